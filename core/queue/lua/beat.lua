-- worker, jobs that it has ... -> ids of tasks whose lease has lapsed: their workers are dead
-- The clock has stood still while no worker beat (Redis was away), so live workers have time to renew their leases.
redis.call('ZADD', 'okosu:workers', text(now()), ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', 'okosu:jobs', text(now()), ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', 'okosu:jobs', '-inf', text(now() - 3600 * 1000000))
redis.call('ZREMRANGEBYSCORE', 'okosu:workers', '-inf', text(now() - 3600 * 1000000))
tick(MINUTES)
return redis.call('ZRANGEBYSCORE', 'okosu:leases', '-inf', text(tick(BEATS)), 'LIMIT', 0, 100)
