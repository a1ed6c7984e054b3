-- -> what INFO says about persistence
return redis.call('INFO', 'persistence')
