-- needs: now
redis.call('HSET', KEYS[2], 'body', ARGV[2])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
