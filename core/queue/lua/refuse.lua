-- id, error: a waiting task that no worker can run fails
if waits(get(ARGV[1], 'state')[1]) then finish(ARGV[1], 'FAILURE', 'error', ARGV[2]) end
