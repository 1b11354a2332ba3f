-- What an account has open: batches, messages in them, and for how long it is held back. Needs `now`.
local function load(open, sizes, held)
  for _, batch in ipairs(redis.call('ZRANGEBYSCORE', open, '-inf', now)) do
    redis.call('ZREM', open, batch)
    redis.call('HDEL', sizes, batch)
  end
  local messages = 0
  for _, size in ipairs(redis.call('HVALS', sizes)) do messages = messages + size end
  local since = redis.call('GET', held)
  return {redis.call('ZCARD', open), messages, since and tostring(math.max(0.001, now - since)) or '0'}
end
