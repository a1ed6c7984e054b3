redis.call('DEL', 'okosu:drain', 'okosu:drain:by')
