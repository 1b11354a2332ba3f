local holder = redis.call('GET', KEYS[2])
if holder ~= KEYS[1] and holder ~= KEYS[1] .. '+' then return 0 end
redis.call('SET', KEYS[2], KEYS[1] .. '+', 'PX', ARGV[1])
return 1
