-- needs: now
-- Whose due time is another than the claim set has been polled already.
for i = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[1] then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i]) end
end
