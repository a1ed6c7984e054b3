-- time (µs) -> how many tasks that finished before it were removed; at most 900, so that nobody waits long
local before, gone = tonumber(ARGV[1]), 0
for _, state in ipairs({'SUCCESS', 'FAILURE', 'REVOKED'}) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index(state), '-inf', text(before), 'LIMIT', 0, 300)) do
    local user, person, finished = unpack(get(id, 'user', 'person', 'finished'))
    if tonumber(finished or 0) < before then
      redis.call('ZREM', index(state), id)
      redis.call('ZREM', index(state) .. ':' .. (person or user or ''), id)
      redis.call('DEL', record(id))
      gone = gone + 1
    end
  end
end
return gone
