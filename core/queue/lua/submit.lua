-- id, job, user, the person that this is, params, message, start of the core -> 'accepted', 'known', 'conflict' or 'draining'
local id, job, user, person, params, message, start = unpack(ARGV)
local old = get(id, 'job', 'user', 'params', 'person')
if old[1] then
  return (old[1] == job and (old[4] or old[2]) == person and old[3] == params) and 'known' or 'conflict'
end
if draining(start) then return 'draining' end
-- No two tasks have the same time, so that a page of the list can end between any two.
-- A clock that was far ahead for a while does not stay so for the tasks that come after it.
local time, newest = now(), tonumber(redis.call('GET', 'okosu:newest') or 0)
local at = text(newest < time + 3600 * 1000000 and math.max(time, newest + 1) or time)
redis.call('SET', 'okosu:newest', at)
set(id, 'job', job, 'user', user, 'params', params, 'state', 'PENDING', 'at', at)
if person ~= user then set(id, 'person', person) end
redis.call('ZADD', index('PENDING'), at, id)
redis.call('ZADD', index('PENDING') .. ':' .. person, at, id)
redis.call('LPUSH', 'celery', message)
return 'accepted'
