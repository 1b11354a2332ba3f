-- needs: ours
local was = redis.call('GET', KEYS[1])
if not was or was == 'done' or was == 'dead' or not ours(was, ARGV[2]) then return end
local deliveries, tries, batch = string.match(was, '^%S+ (%d+) (%d+) %d+ (.*)$')
redis.call('SET', KEYS[1], string.format('0 %d %d 0 %s', deliveries, tries, batch), 'EX', ARGV[1])
