-- start, its time (µs) -> waiting, running, idle seconds, ms that the drain still lasts (0: no drain), who asked for it
local start, since = unpack(ARGV)
return {waiting(), redis.call('ZCARD', index('STARTED')), text(idle(since)), draining(start) and redis.call('PTTL', 'okosu:drain') or 0, redis.call('GET', 'okosu:drain:by')}
