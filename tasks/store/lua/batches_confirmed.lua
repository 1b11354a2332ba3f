-- needs: measure
-- A batch that was closed meanwhile stays so.
if redis.call('EXISTS', KEYS[1]) == 0 then return end
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
measure(KEYS[3], 4)
