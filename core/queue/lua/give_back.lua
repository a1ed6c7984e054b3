-- id, message, owner or '', whether the run counts as an attempt -> 1 if the task waits again
-- With an owner: only if it still owns the task. Without: only if the lease has lapsed; its owner may yet renew it.
local id, message, owner, counts = unpack(ARGV)
local state, holder, attempt = unpack(get(id, 'state', 'owner', 'attempt'))
if state ~= 'STARTED' then return 0 end
if owner == '' then
  if tonumber(redis.call('ZSCORE', 'okosu:leases', id) or 0) > read(BEATS) then return 0 end
else
  if holder ~= owner then return 0 end
  redis.call('HDEL', record(id), 'owner')
end
if counts == '0' then set(id, 'attempt', attempt - 1) end
move(id, 'RETRY')
redis.call('ZREM', 'okosu:leases', id)
push(id, message)
return 1
