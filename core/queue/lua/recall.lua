-- id, message -> 1 if the task waited aside; now it waits with a message again
local id, message = unpack(ARGV)
if redis.call('ZREM', 'okosu:aside', id) == 0 or not waits(get(id, 'state')[1]) then return 0 end
redis.call('HDEL', record(id), 'message')
push(id, message)
return 1
