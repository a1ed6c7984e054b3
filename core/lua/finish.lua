-- id, token, state, field, value -> 1 if recorded; 0 if the run no longer owns the task
local id, token, state, field, value = unpack(ARGV)
local current, owner = unpack(get(id, 'state', 'token'))
if not runs(current, owner, token) then return 0 end
finish(id, state, field, value)
return 1
