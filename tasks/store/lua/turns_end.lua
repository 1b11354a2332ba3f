-- needs: measure finish
local mark, run, line, newest = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local over, keep, published, till, remember, left = unpack(ARGV)
if over ~= '' then
  finish(mark, over, keep, KEYS[5], 7)
else
  local was = redis.call('GET', mark)
  if was and was ~= 'done' and was ~= 'dead' then
    local deliveries, tries, batch = string.match(was, '^%S+ (%d+) (%d+) %d+ (.*)$')
    redis.call('SET', mark, string.format('0 %d %d 0 %s', deliveries, tries, batch), 'EX', keep)
  end
end
local holder = redis.call('GET', run)
if holder == mark or holder == mark .. '+' then redis.call('DEL', run) end
if published == '' then return end
if over ~= '' or left == '1' then redis.call('ZREM', line, till .. ' ' .. mark) end
if over ~= 'done' then return end
local handled = redis.call('GET', newest)
if not handled or tonumber(handled) < tonumber(published) then redis.call('SET', newest, published, 'EX', remember) end
