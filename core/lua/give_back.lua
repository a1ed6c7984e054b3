-- id, message, how: 'lost' (the worker died) or 'returned' (it was told to stop: no attempt is counted) -> 1 if it waits again
local id, message, how = unpack(ARGV)
local state, attempt = unpack(get(id, 'state', 'attempt'))
if state ~= 'STARTED' then return 0 end
move(id, 'RETRY')
redis.call('ZREM', 'okosu:leases', id)
if how == 'returned' then
  set(id, 'attempt', attempt - 1)
  redis.call('HDEL', record(id), 'token', 'worker')
end
set(id, 'pushed', text(now()))
redis.call('RPUSH', 'celery', message)
return 1
