-- needs: measure finish wake ours
local was, holder = finish(KEYS[1], ARGV[1], ARGV[2], KEYS[4], 5), redis.call('GET', KEYS[2])
if ours(was, ARGV[4]) and (holder == KEYS[1] or holder == KEYS[1] .. '+') then
  redis.call('DEL', KEYS[2])
  wake(KEYS[3], ARGV[3] .. ' ' .. KEYS[1])
end
