redis.call('HINCRBY', KEYS[1], 'well', ARGV[1])
local dead = redis.call('HINCRBY', KEYS[1], 'dead', ARGV[2])
local well = tonumber(redis.call('HGET', KEYS[1], 'well'))
if well + dead > tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'well', math.floor(well / 2), 'dead', math.floor(dead / 2))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {well, dead}
