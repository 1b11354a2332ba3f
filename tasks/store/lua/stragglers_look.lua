-- needs: now
-- Batches that are to be looked at, with how many of their headers have ended; nobody else looks at them for a while.
-- KEYS: when to look, what was seen; ARGV: how many at the most, the while in seconds, how the lists' keys begin, and a field beside the batch's own
local found = {}
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local seen, ended = redis.call('HGET', KEYS[2], batch), redis.call('LLEN', ARGV[3] .. batch) - 1
  if seen and ended >= 0 then
    redis.call('ZADD', KEYS[1], now + ARGV[2], batch)
    table.insert(found, {batch, seen, ended})
  else
    redis.call('ZREM', KEYS[1], batch)
    redis.call('HDEL', KEYS[2], batch, ARGV[4] .. batch)
  end
end
return {tostring(now), found}
