-- Lines of method, path and body (tabs between) from the file that is named first, sent in turn; told as JSON at the end.
local requests, turn = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match('([^\t]*)\t([^\t]*)\t(.*)')
    local headers = {['Content-Type'] = 'application/json', ['X-API-Key'] = 'a-key-for-benchmarks-only'}
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= '' and body or nil)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"us": %d, "answers": %d, "errors": %d, "broken": %d, "p50": %d, "p99": %d}\n',
    summary.duration, summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
