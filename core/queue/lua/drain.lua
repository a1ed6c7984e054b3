-- start, its time (µs), allowed, force, idle for (s), time to live (s) -> {'draining'}, {'held', id, ...} or {'busy', idle seconds}
local start, since, allowed, force, idle_for, ttl = unpack(ARGV)
if draining(start) then return {'draining'} end
if force == '0' then
  local held = {'held'}
  for _, state in ipairs({'STARTED', 'RETRY', 'PENDING'}) do
    for _, id in ipairs(redis.call('ZRANGE', index(state), 0, 19)) do
      local user, job = unpack(get(id, 'user', 'job'))
      table.insert(held, {id, user, job})
    end
  end
  if #held > 1 or allowed == '0' then return held end
  if idle(since) < tonumber(idle_for) then return {'busy', text(idle(since))} end
end
redis.call('SET', 'okosu:drain', start, 'EX', ttl)
return {'draining'}
