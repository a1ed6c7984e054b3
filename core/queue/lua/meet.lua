-- id of a folder, ms to be remembered (0: only ask) -> false if the workers that are alive use another folder
local mine, ms = unpack(ARGV)
local theirs = redis.call('GET', 'okosu:data_id')
if theirs and theirs ~= mine then return false end
if ms ~= '0' then redis.call('SET', 'okosu:data_id', mine, 'PX', ms) end
return 1
