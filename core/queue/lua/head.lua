-- count -> the next messages (twice as many), the oldest ids in RETRY, the oldest ids in PENDING
-- Without the tasks that wait aside: they have no message.
local count = tonumber(ARGV[1])
local function oldest(state)
  local found, from, part = {}, 0, nil
  repeat
    part = redis.call('ZRANGE', index(state), from, from + count - 1)
    for _, id in ipairs(part) do
      if #found < count and not redis.call('ZSCORE', 'okosu:aside', id) then table.insert(found, id) end
    end
    from = from + count
  until #found >= count or #part < count
  return found
end
return {redis.call('LRANGE', 'celery', -2 * count, -1), oldest('RETRY'), oldest('PENDING')}
