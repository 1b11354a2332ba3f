-- needs: now day
local today = KEYS[1] .. ':' .. day(now)
if redis.call('EXISTS', today) == 1 and redis.call('HINCRBY', today, 'owed', -ARGV[1]) < 0 then
  redis.call('HSET', today, 'owed', 0)
end
