-- needs: measure finish wake
finish(KEYS[1], ARGV[1], ARGV[2], KEYS[4], 4)
local holder = redis.call('GET', KEYS[2])
if holder == KEYS[1] or holder == KEYS[1] .. '+' then
  redis.call('DEL', KEYS[2])
  wake(KEYS[3], ARGV[3] .. ' ' .. KEYS[1])
end
