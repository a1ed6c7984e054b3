-- id, channel, message -> 'unknown', 'finished' or 'revoked'; the message tells every worker to end the run
local id, channel, message = unpack(ARGV)
local state = get(id, 'state')[1]
if not state then return 'unknown' end
if state == 'SUCCESS' or state == 'FAILURE' then return 'finished' end
if state ~= 'REVOKED' then finish(id, 'REVOKED') end
redis.call('ZREM', 'okosu:aside', id)
if message then redis.call('PUBLISH', channel, message) end
return 'revoked'
