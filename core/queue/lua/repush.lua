-- id, message, age (µs) -> 1 if the task waits, its last message is older than that, and it got a new one
local id, message, age = unpack(ARGV)
local state, pushed = unpack(get(id, 'state', 'pushed'))
if not waits(state) or read(BEATS) - tonumber(pushed or 0) < tonumber(age) then return 0 end
push(id, message)
return 1
