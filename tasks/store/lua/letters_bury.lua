-- needs: measure
-- KEYS: the letters, when each was buried, of which kind, the counters, then those that may heal by how often they were redriven.
-- ARGV: id, letter, when it was buried, whether it may heal, its kind, and what it adds to the counters. One that came back from a
-- replay keeps its place, and with it its age.
if redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) == 1 then measure(KEYS[4], 6) end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[5])
for number = 5, #KEYS do
  if ARGV[4] == '0' then
    redis.call('ZREM', KEYS[number], ARGV[1])
  elseif redis.call('ZSCORE', KEYS[number], ARGV[1]) then
    return
  end
end
if ARGV[4] == '1' then redis.call('ZADD', KEYS[5], ARGV[3], ARGV[1]) end
