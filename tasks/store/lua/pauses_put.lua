-- Read as text: cjson refuses half a surrogate pair, which a platform's message or a command line may hold.
-- KEYS: the pause, then who is paused, by reason, this one's first. ARGV: the pause and how long it is kept, whether a person's,
-- the time, whose it is and until when.
local was = redis.call('GET', KEYS[1])
if was and ARGV[3] == '0' and string.find(was, '"by_hand": true', 1, true) then
  if tonumber(string.match(was, '^{"until": ([^,]+),')) > tonumber(ARGV[4]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
for number = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[number], '-inf', ARGV[4])
  redis.call('ZREM', KEYS[number], ARGV[5])
end
redis.call('ZADD', KEYS[2], ARGV[6], ARGV[5])
return 1
