-- wrk's script: POST /transactions, each with an Idempotency-Key of its own, as one of a thousand merchants.
local body = '{"description":"Lightsaber","amount":"2500","payment_method":"credit_card",'
  .. '"card_number":"4111111111111111","card_holder_name":"Luke Skywalker",'
  .. '"card_expiration_date":"10/30","card_verification_code":"737","reference":"order-1"}'
local head = "POST /transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
  .. #body .. "\r\nx-customer-id: merchant-"
local tail = "\r\n\r\n" .. body
local format = string.format
local count = 0

function init(args)
  tag = args[1] or "0"
end

function request()
  count = count + 1
  return head .. format("%04d", count % 1000) .. "\r\nIdempotency-Key: " .. tag .. "-" .. count .. tail
end

function done(summary, latency)
  local errors = summary.errors
  io.write(format(
    '\nRESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
