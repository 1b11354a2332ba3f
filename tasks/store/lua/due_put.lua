-- needs: now
redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], ARGV[1])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
