-- Prepended to every script: where a task is stored, and how it moves between states.
-- A task is a hash. Each state has an index of its tasks, and one per person, scored by the time of submission (µs).
-- A record has a `person` only if that is spelled otherwise than its `user`.
local function now() local t = redis.call('TIME'); return t[1] * 1000000 + t[2] end
local function text(number) return string.format('%.0f', number) end
local function record(id) return 'okosu:task:' .. id end
local function index(state) return 'okosu:tasks:' .. state end
local function get(id, ...) return redis.call('HMGET', record(id), ...) end
local function set(id, ...) redis.call('HSET', record(id), ...) end

-- Redis's clock may be set, so what lasts is measured on two clocks of the queue's own (µs). They never go back, and
-- from one tick to the next `most` passes at most, however long that was and however far Redis's clock was set.
-- Only beats tick the first: no lease lapses while no worker can renew it. Whoever asks ticks the second.
local BEATS, MINUTES = {key = 'okosu:beats', most = 2000000}, {key = 'okosu:minutes', most = 60000000}
local function read(clock)
  local time, at, seen = now(), unpack(redis.call('HMGET', clock.key, 'at', 'seen'))
  return (at or time) + math.max(0, math.min(time - (seen or time), clock.most)), time
end
local function tick(clock)
  local at, time = read(clock)
  redis.call('HSET', clock.key, 'at', text(at), 'seen', text(time))
  return at
end

-- How long the drain still lasts (µs), or false. It belongs to one start of the core; the next does not know it.
local function draining(start)
  local of, ends = unpack(redis.call('HMGET', 'okosu:draining', 'start', 'ends'))
  local left = of == start and ends - tick(MINUTES) or 0
  return left > 0 and left
end
local function act() redis.call('SET', 'okosu:last_act', text(read(MINUTES))) end

local function move(id, to)
  local state, user, person, at = unpack(get(id, 'state', 'user', 'person', 'at'))
  local whose = ':' .. (person or user)
  redis.call('ZREM', index(state), id)
  redis.call('ZREM', index(state) .. whose, id)
  redis.call('ZADD', index(to), at, id)
  redis.call('ZADD', index(to) .. whose, at, id)
  set(id, 'state', to)
end

local function waits(state) return state == 'PENDING' or state == 'RETRY' end
-- A run whose lease has lapsed still owns its task until another run claims it.
local function owns(id, owner)
  local state, holder = unpack(get(id, 'state', 'owner'))
  return (state == 'STARTED' or state == 'RETRY') and holder == owner
end
local function waiting() return redis.call('ZCARD', index('PENDING')) + redis.call('ZCARD', index('RETRY')) end

local function finish(id, state, field, value)
  move(id, state)
  set(id, 'finished', text(now()))
  if field then set(id, field, value) end
  redis.call('HDEL', record(id), 'owner')
  redis.call('ZREM', 'okosu:leases', id)
  act()
end

-- To the front of the queue: workers take from the right.
local function push(id, message)
  set(id, 'pushed', text(read(BEATS)))
  redis.call('RPUSH', 'celery', message)
end

-- The position in the queue, from 1; 0 unless it waits. Tasks that wait again go first.
local function place(id)
  local again = redis.call('ZRANK', index('RETRY'), id)
  if again then return again + 1 end
  local first = redis.call('ZRANK', index('PENDING'), id)
  return first and redis.call('ZCARD', index('RETRY')) + first + 1 or 0
end

-- Seconds since the last act, the last end of a task or the first look at this start; 0 while a task waits or runs.
local function idle(start)
  local clock = tick(MINUTES)
  if redis.call('GET', 'okosu:start') ~= start then
    redis.call('SET', 'okosu:start', start)
    act()
  end
  if waiting() + redis.call('ZCARD', index('STARTED')) > 0 then return 0 end
  return (clock - redis.call('GET', 'okosu:last_act')) / 1000000
end
