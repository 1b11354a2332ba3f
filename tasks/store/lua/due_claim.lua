-- needs: now zadd_all
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local again = string.format('%.17g', now + ARGV[2])
zadd_all(KEYS[1], again, names)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {names, redis.call('ZCARD', KEYS[1]), first[2] and tostring(first[2] - now) or '', again}
