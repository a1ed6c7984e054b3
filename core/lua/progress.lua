-- id, token, done, message
local id, token, done, message = unpack(ARGV)
local state, owner = unpack(get(id, 'state', 'token'))
if runs(state, owner, token) then set(id, 'done', done, 'message', message) end
