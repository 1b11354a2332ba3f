-- KEYS: the account's replies, this one, the counters of /metrics; ARGV: the batch, how many messages it has ('' while nobody
-- knows), the counter of those that are crossed off ('' for none), and which are. One is counted once, whoever crosses it off again.
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local new = 0
for i = 4, #ARGV do new = new + redis.call('HSET', KEYS[2], 'settled:' .. ARGV[i], '1') end
if new > 0 and ARGV[3] ~= '' then redis.call('HINCRBY', KEYS[3], ARGV[3], new) end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'size', ARGV[2]) end
local size = redis.call('HGET', KEYS[2], 'size')
if size and redis.call('HLEN', KEYS[2]) - 2 >= tonumber(size) then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
return 1
