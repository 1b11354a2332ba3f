-- needs: measure finish
finish(KEYS[1], ARGV[1], ARGV[2], KEYS[3], 3)
local holder = redis.call('GET', KEYS[2])
if holder == KEYS[1] or holder == KEYS[1] .. '+' then redis.call('DEL', KEYS[2]) end
