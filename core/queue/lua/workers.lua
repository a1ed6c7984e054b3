-- seconds -> how many workers have given a sign of life in that time
return redis.call('ZCOUNT', 'okosu:workers', text(now() - ARGV[1] * 1000000), '+inf')
