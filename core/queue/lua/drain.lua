-- start, who asks, users hold it, force, idle for (s), lasts (s), tasks to name, accepted ids ...
-- -> draining, number of holding tasks not named, idle seconds, {id, user, job} of each that is named
local start, by, users, force, idle_for, lasts, shown = unpack(ARGV, 1, 7)
local idle_now = idle(start)
if force == '0' then
  local accepted, held, more = {}, {}, 0
  for i = 8, #ARGV do accepted[ARGV[i]] = true end
  for _, state in ipairs({'STARTED', 'RETRY', 'PENDING'}) do
    for _, id in ipairs(redis.call('ZRANGE', index(state), 0, -1)) do
      if accepted[id] then -- it does not hold
      elseif #held < tonumber(shown) then table.insert(held, {id, unpack(get(id, 'user', 'job'))})
      else more = more + 1 end
    end
  end
  if #held > 0 or users == '1' or idle_now < tonumber(idle_for) then return {0, more, text(idle_now), unpack(held)} end
end
if not draining(start) then
  redis.call('HSET', 'okosu:draining', 'start', start, 'by', by, 'ends', text(tick(MINUTES) + lasts * 1000000))
end
return {1, 0, text(idle_now)}
