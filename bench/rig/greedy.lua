-- wrk's script: one merchant who asks for everything. "reads": the deepest page and heavy lists; "batches": 1,000 rows.
local row = '{"description":"Lightsaber","amount":"2500","payment_method":"credit_card",'
  .. '"card_number":"4111111111111111","card_holder_name":"Luke Skywalker",'
  .. '"card_expiration_date":"10/30","card_verification_code":"737","reference":"order-1"}'
local paths = {
  "/payables?limit=200&page=50",
  "/payables?limit=200",
  "/payables?limit=200&page=50&status=waiting_funds",
}
local requests = {}
local count = 0

function init(args)
  local merchant = "Host: 127.0.0.1\r\nx-customer-id: " .. args[2] .. "\r\n"
  if args[1] == "batches" then
    local rows = {}
    for number = 1, 1000 do rows[number] = row end
    local body = "[" .. table.concat(rows, ",") .. "]"
    requests[1] = "POST /transactions/batch HTTP/1.1\r\n" .. merchant
      .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
    return
  end
  for number, path in ipairs(paths) do requests[number] = "GET " .. path .. " HTTP/1.1\r\n" .. merchant .. "\r\n" end
end

function request()
  count = count + 1
  return requests[count % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
