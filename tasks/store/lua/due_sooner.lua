-- needs: now
redis.call('ZADD', KEYS[1], 'XX', 'LT', now + ARGV[2], ARGV[1])
