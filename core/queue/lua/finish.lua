-- id, owner, state, field, value -> 1 if recorded, 0 if the run no longer owns the task
local id, owner, state, field, value = unpack(ARGV)
if not owns(id, owner) then return 0 end
finish(id, state, field, value)
return 1
