local room = tonumber(ARGV[1]) - redis.call('HLEN', KEYS[1])
for i = 3, #ARGV, 2 do
  local topic = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], topic) == 0 then
    if room > 0 then room = room - 1 else topic = '…' end
  end
  redis.call('HINCRBY', KEYS[1], topic, ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
