-- count, jobs ... -> {id, job} of the oldest tasks that wait aside for one of these jobs
local mine, found = {}, {}
for i = 2, #ARGV do mine[ARGV[i]] = true end
for _, id in ipairs(redis.call('ZRANGE', 'okosu:aside', 0, -1)) do
  if #found >= tonumber(ARGV[1]) then break end
  local job = get(id, 'job')[1]
  if mine[job] then table.insert(found, {id, job}) end
end
return found
