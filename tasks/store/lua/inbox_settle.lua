if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
for i = 3, #ARGV do redis.call('HSET', KEYS[2], 'settled:' .. ARGV[i], '1') end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'size', ARGV[2]) end
local size = redis.call('HGET', KEYS[2], 'size')
if size and redis.call('HLEN', KEYS[2]) - 2 >= tonumber(size) then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
return 1
