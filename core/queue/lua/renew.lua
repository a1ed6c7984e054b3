-- lease (µs), then id and owner of each run of a worker -> the owners whose runs are to be ended
-- A lease that lapsed while Redis was away is renewed, unless another run has claimed the task.
-- To be ended: runs of tasks that were cancelled or that another run has claimed. A finished run ends by itself.
local over, lapse = {}, text(read(BEATS) + ARGV[1])
for i = 2, #ARGV, 2 do
  local id, owner = ARGV[i], ARGV[i + 1]
  local state, holder = unpack(get(id, 'state', 'owner'))
  if owns(id, owner) then
    if state == 'RETRY' then move(id, 'STARTED') end
    redis.call('ZADD', 'okosu:leases', lapse, id)
  elseif state == 'REVOKED' or state == 'STARTED' then
    table.insert(over, owner)
  end
end
return over
