-- worker, lease (µs), ids -> the ids that were cancelled meanwhile
-- A lease that lapsed while Redis was away is taken back as long as nobody else has claimed the task.
local worker, lease = ARGV[1], ARGV[2]
local cancelled = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local state, owner = unpack(get(id, 'state', 'worker'))
  if state == 'REVOKED' then table.insert(cancelled, id) end
  if (state == 'STARTED' or state == 'RETRY') and owner == worker then
    if state == 'RETRY' then move(id, 'STARTED') end
    redis.call('ZADD', 'okosu:leases', text(now() + lease), id)
  end
end
return cancelled
