-- seconds -> how many workers have sent a heartbeat within that time
return redis.call('ZCOUNT', 'okosu:workers', text(now() - ARGV[1] * 1000000), '+inf')
