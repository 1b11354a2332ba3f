-- needs: now
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, name in ipairs(names) do redis.call('ZADD', KEYS[1], now + ARGV[2], name) end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local again = names[1] and redis.call('ZSCORE', KEYS[1], names[1]) or ''
return {names, redis.call('ZCARD', KEYS[1]), first[2] and tostring(first[2] - now) or '', again}
