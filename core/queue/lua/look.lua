-- id -> state, job
return get(ARGV[1], 'state', 'job')
