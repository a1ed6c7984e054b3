-- id, owner, done, message
local id, owner, done, message = unpack(ARGV)
if owns(id, owner) then set(id, 'done', done, 'message', message) end
