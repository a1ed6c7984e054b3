-- seconds -> how many workers have sent a heartbeat within that time, and the jobs that one of them has
local since = text(now() - ARGV[1] * 1000000)
return {
  redis.call('ZCOUNT', 'okosu:workers', since, '+inf'),
  redis.call('ZRANGEBYSCORE', 'okosu:jobs', since, '+inf'),
}
