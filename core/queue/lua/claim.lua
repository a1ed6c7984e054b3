-- id, owner, lease (µs), attempts allowed, error if they are used up -> the parameters and which attempt it is, or nothing if it must not run
local id, owner, lease, allowed, lost = unpack(ARGV)
local state, holder, attempt, params = unpack(get(id, 'state', 'owner', 'attempt', 'params'))
local mine = state == 'STARTED' and holder == owner
if not waits(state) and not mine then return false end
attempt = tonumber(attempt or 0) + (mine and 0 or 1)
if attempt > tonumber(allowed) then
  finish(id, 'FAILURE', 'error', lost)
  return false
end
if not mine then move(id, 'STARTED') end
set(id, 'owner', owner, 'attempt', attempt, 'started', text(now()))
redis.call('HDEL', record(id), 'done', 'message')
redis.call('ZADD', 'okosu:leases', text(read(BEATS) + lease), id)
return {params, attempt}
