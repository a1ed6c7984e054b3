-- id, job, user, params, message, start of the core -> 'accepted', 'known', 'conflict' or 'draining'
local id, job, user, params, message, start = unpack(ARGV)
local old = get(id, 'job', 'user', 'params')
if old[1] then
  return (old[1] == job and old[2] == user and old[3] == params) and 'known' or 'conflict'
end
if draining(start) then return 'draining' end
local at = text(now())
set(id, 'job', job, 'user', user, 'params', params, 'state', 'PENDING', 'at', at)
redis.call('ZADD', index('PENDING'), at, id)
redis.call('ZADD', index('PENDING') .. ':' .. user, at, id)
redis.call('LPUSH', 'celery', message)
return 'accepted'
