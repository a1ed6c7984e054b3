-- start -> waiting, running, idle seconds, draining
local start = ARGV[1]
return {waiting(), redis.call('ZCARD', index('STARTED')), text(idle(start)), draining(start) and 1 or 0}
