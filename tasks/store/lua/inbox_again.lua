-- needs: now
local batch = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)[1]
if not batch then return '' end
redis.call('ZADD', KEYS[1], now + ARGV[1], batch)
return batch
