-- id, why -> 1 if the task waits: it needs no message until it is recalled
local id, why = unpack(ARGV)
local state, at = unpack(get(id, 'state', 'at'))
if not waits(state) then return 0 end
redis.call('ZADD', 'okosu:aside', at, id)
set(id, 'message', why)
return 1
