-- id, token, worker, lease (µs), attempts allowed, error if they are used up -> {user, params}, or nothing: do not run it
local id, token, worker, lease, allowed, lost = unpack(ARGV)
local state, owner, attempt, user, params = unpack(get(id, 'state', 'token', 'attempt', 'user', 'params'))
local mine = state == 'STARTED' and owner == token
if not waits(state) and not mine then return false end
attempt = tonumber(attempt or 0) + (mine and 0 or 1)
if attempt > tonumber(allowed) then
  finish(id, 'FAILURE', 'error', lost)
  return false
end
if not mine then move(id, 'STARTED') end
set(id, 'token', token, 'worker', worker, 'attempt', attempt, 'started', text(now()), 'done', '0', 'message', '')
redis.call('ZADD', 'okosu:leases', text(now() + lease), id)
return {user, params}
