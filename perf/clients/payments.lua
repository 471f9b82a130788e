-- For wrk: every request is a new payment.
--
--   wrk -t2 -c64 -d30s --latency -s perf/clients/payments.lua http://localhost:9999
--
-- Each thread runs a copy of this file, so ids need a part that no other thread and no other run has: eight random
-- bytes, which each thread is given once. The last bytes count. The service spreads payments by the last byte, so the
-- count reaches every partition.
local random = io.open("/dev/urandom", "rb")

function setup(thread)
  local bytes = { string.byte(random:read(8), 1, 8) }
  thread:set("head", string.format("%02x%02x%02x%02x-%02x%02x-4%x%02x-8", bytes[1], bytes[2], bytes[3], bytes[4],
    bytes[5], bytes[6], bytes[7] % 16, bytes[8]))
end

local count = 0

wrk.method = "POST"
wrk.path = "/payments"
wrk.headers["Content-Type"] = "application/json"

function request()
  count = count + 1
  local id = string.format("%s%03x-%012x", head, math.floor(count / 0x1000000) % 0x1000, count % 0x1000000)
  return wrk.format(nil, "/payments", nil, string.format('{"correlationId":"%s","amount":19.90}', id))
end

-- wrk calls every status below 400 a success, so a 409 or a 503 is in "Non-2xx or 3xx responses". Say how many.
function done(summary)
  local errors = summary.errors
  io.write(string.format("refused: %d of %d; broken: %d\n", errors.status, summary.requests,
    errors.connect + errors.read + errors.write + errors.timeout))
end
