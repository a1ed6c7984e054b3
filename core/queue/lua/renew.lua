-- lease (µs), then id and owner of each run of a worker -> the owners whose run is to be ended
-- A lease that lapsed while Redis was away is taken back as long as nobody else has claimed the task.
-- To be ended: what was cancelled meanwhile, and what another has claimed. What has just been recorded ends by itself.
local over = {}
for i = 2, #ARGV, 2 do
  local id, owner = ARGV[i], ARGV[i + 1]
  local state, holder = unpack(get(id, 'state', 'owner'))
  if owns(id, owner) then
    if state == 'RETRY' then move(id, 'STARTED') end
    redis.call('ZADD', 'okosu:leases', text(now() + ARGV[1]), id)
  elseif state == 'REVOKED' or state == 'STARTED' then
    table.insert(over, owner)
  end
end
return over
