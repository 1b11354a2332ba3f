-- needs: claim_left
local was = redis.call('GET', KEYS[1])
if was == 'done' or was == 'dead' then return {was, '0', 0, 0, 0} end
local runs, deliveries, tries, open, batch = 0, 0, 0, 0, ''
if was then
  runs, deliveries, tries, open, batch = string.match(was, '^(%S+) (%d+) (%d+) (%d+) (.*)$')
end
local left = tonumber(runs)
if left > 0 then left = claim_left(KEYS[1], left, ARGV[3]) end
if left > 0 then return {'busy', tostring(left), 0, 0, 0} end
if batch ~= ARGV[1] then deliveries = deliveries + 1 end
tries, open = tries + 1, open + 1
redis.call('SET', KEYS[1], string.format('%s %d %d %d %s', ARGV[2], deliveries, tries, open, ARGV[1]), 'EX', ARGV[3])
return {'begun', '0', deliveries, tries, open}
