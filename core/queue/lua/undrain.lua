redis.call('DEL', 'okosu:drain')
