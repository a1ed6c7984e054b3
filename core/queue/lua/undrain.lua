redis.call('DEL', 'okosu:draining')
