-- id, channel and message or '', who if that is known -> 'unknown', 'finished' or 'revoked'
-- The message tells every worker to end the run. Only the first to cancel the task is noted.
local id, channel, message, by = unpack(ARGV)
local state = get(id, 'state')[1]
if not state then return 'unknown' end
if state == 'SUCCESS' or state == 'FAILURE' then return 'finished' end
if state ~= 'REVOKED' then finish(id, 'REVOKED', by and 'cancelled_by', by) end
redis.call('ZREM', 'okosu:aside', id)
if message ~= '' then redis.call('PUBLISH', channel, message) end
return 'revoked'
