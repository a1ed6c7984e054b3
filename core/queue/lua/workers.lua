-- seconds -> how many workers have sent a heartbeat within that time
-- On Redis's clock: the queue's own stand still when no worker lives. A heartbeat from the future was sent before the
-- clock was set back; a worker that lives sends the next one within a second.
return redis.call('ZCOUNT', 'okosu:workers', text(now() - ARGV[1] * 1000000), text(now()))
