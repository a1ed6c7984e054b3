-- seconds -> how many workers have sent a heartbeat within that time, and the jobs that one of them has
-- On Redis's clock: the queue's own stand still when no worker lives. A heartbeat from the future was sent before the
-- clock was set back; a worker that lives sends the next one within a second.
local since, time = text(now() - ARGV[1] * 1000000), text(now())
return {redis.call('ZCOUNT', 'okosu:workers', since, time), redis.call('ZRANGEBYSCORE', 'okosu:jobs', since, time)}
