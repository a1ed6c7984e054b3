-- start, its time (µs) -> waiting, running, idle seconds, draining
local start, since = unpack(ARGV)
return {waiting(), redis.call('ZCARD', index('STARTED')), text(idle(since)), draining(start) and 1 or 0}
