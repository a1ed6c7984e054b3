-- id, message, age (µs) -> 1 if the task waited without a message in the queue and has a new one
local id, message, age = unpack(ARGV)
local state, pushed = unpack(get(id, 'state', 'pushed'))
if not waits(state) or now() - tonumber(pushed or 0) < tonumber(age) then return 0 end
set(id, 'pushed', text(now()))
redis.call('RPUSH', 'celery', message)
return 1
