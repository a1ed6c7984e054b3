-- id -> {id, place, fields ..., who cancelled it, result}, or nothing
local id = ARGV[1]
local fields = get(id, 'job', 'user', 'params', 'state', 'done', 'message', 'error', 'at', 'started', 'finished', 'cancelled_by', 'result')
if not fields[1] then return false end
return {id, place(id), fields}
