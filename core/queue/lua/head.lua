-- count -> the next messages (twice as many), the oldest ids in RETRY, the oldest ids in PENDING
local count = tonumber(ARGV[1])
return {
  redis.call('LRANGE', 'celery', -2 * count, -1),
  redis.call('ZRANGE', index('RETRY'), 0, count - 1),
  redis.call('ZRANGE', index('PENDING'), 0, count - 1),
}
