-- Read as text: cjson refuses half a surrogate pair, which a platform's message or a command line may hold.
local was = redis.call('GET', KEYS[1])
if was and ARGV[3] == '0' and string.find(was, '"by_hand": true', 1, true) then
  if tonumber(string.match(was, '^{"until": ([^,]+),')) > tonumber(ARGV[4]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
