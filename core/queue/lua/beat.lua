-- worker, gap (µs), grace (µs), jobs that it has ... -> ids of tasks whose lease has lapsed: their workers are dead
-- After a gap without any heartbeat (Redis was away), live workers get a grace period to renew their leases first.
local worker, gap, grace = unpack(ARGV, 1, 3)
for i = 4, #ARGV do redis.call('ZADD', 'okosu:jobs', text(now()), ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', 'okosu:jobs', '-inf', text(now() - 3600 * 1000000))
local last = redis.call('GETSET', 'okosu:beat', text(now()))
redis.call('ZADD', 'okosu:workers', text(now()), worker)
redis.call('ZREMRANGEBYSCORE', 'okosu:workers', '-inf', text(now() - 3600 * 1000000))
if not last or now() - last > tonumber(gap) then
  redis.call('SET', 'okosu:grace', '1', 'PX', text(grace / 1000))
end
if redis.call('EXISTS', 'okosu:grace') == 1 then return {} end
return redis.call('ZRANGEBYSCORE', 'okosu:leases', '-inf', text(now()), 'LIMIT', 0, 100)
