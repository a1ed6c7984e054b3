-- age (µs) -> how many finished tasks that are older were forgotten; 1000 at most, so that nobody waits long
local before, gone = text(now() - ARGV[1]), 0
for _, state in ipairs({'SUCCESS', 'FAILURE', 'REVOKED'}) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index(state), '-inf', before, 'LIMIT', 0, 300)) do
    redis.call('ZREM', index(state), id)
    redis.call('ZREM', index(state) .. ':' .. (get(id, 'user')[1] or ''), id)
    redis.call('DEL', record(id))
    gone = gone + 1
  end
end
return gone
