local was = redis.call('GET', KEYS[1])
if not was or was == 'done' or was == 'dead' then return 0 end
local runs, deliveries, tries, open, batch = string.match(was, '^(%S+) (%d+) (%d+) (%d+) (.*)$')
if not runs or tonumber(runs) == 0 or batch ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], string.format('0 %d %d %d %s', deliveries, tries, open, batch), 'EX', ARGV[2])
return 1
