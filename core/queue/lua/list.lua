-- state or '', person or '', newest time (µs) or '+inf', limit -> {id, fields ...} of each task, newest first
local state, person, newest, limit = unpack(ARGV)
local found = {}
local states = state ~= '' and {state} or {'PENDING', 'RETRY', 'STARTED', 'SUCCESS', 'FAILURE', 'REVOKED'}
for _, s in ipairs(states) do
  local key = index(s) .. (person ~= '' and ':' .. person or '')
  local part = redis.call('ZREVRANGEBYSCORE', key, newest, '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #part, 2 do table.insert(found, {part[i], tonumber(part[i + 1])}) end
end
table.sort(found, function(a, b) return a[2] > b[2] end)
local rows = {}
for i = 1, math.min(#found, tonumber(limit)) do
  local id = found[i][1]
  table.insert(rows, {id, place(id), get(id, 'job', 'user', 'params', 'state', 'done', 'message', 'error', 'at', 'started', 'finished')})
end
return rows
