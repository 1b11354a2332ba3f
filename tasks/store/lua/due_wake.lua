-- needs: now
local known = 0
for i = 1, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], 'XX', 'LT', now + ARGV[i + 1], ARGV[i])
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then known = known + 1 end
end
return known
