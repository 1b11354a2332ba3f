-- needs: now
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], batch)
  redis.call('HDEL', KEYS[2], batch)
end
local messages = 0
for _, size in ipairs(redis.call('HVALS', KEYS[2])) do messages = messages + size end
local since = redis.call('GET', KEYS[3])
return {redis.call('ZCARD', KEYS[1]), messages, since and tostring(math.max(0.001, now - since)) or '0'}
