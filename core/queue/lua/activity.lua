-- start -> waiting, running, idle seconds, ms that the drain still lasts (0: no drain), who asked for it
local start = ARGV[1]
local left, by = draining(start), redis.call('HGET', 'okosu:draining', 'by')
return {waiting(), redis.call('ZCARD', index('STARTED')), text(idle(start)), left and math.ceil(left / 1000) or 0, by}
