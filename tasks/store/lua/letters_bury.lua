-- KEYS: the letters, when each was buried, then those that may heal by how often they were redriven. ARGV: id, letter, when it
-- was buried, whether it may heal. One that came back from a replay keeps its place, and with it its age.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
for number = 3, #KEYS do
  if ARGV[4] == '0' then
    redis.call('ZREM', KEYS[number], ARGV[1])
  elseif redis.call('ZSCORE', KEYS[number], ARGV[1]) then
    return
  end
end
if ARGV[4] == '1' then redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1]) end
