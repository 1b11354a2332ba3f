-- needs: measure finish wake ours
local mark, run, line, order, newest = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local over, keep, published, till, remember, left, try = unpack(ARGV)
local was
if over ~= '' then
  was = finish(mark, over, keep, KEYS[6], 8)
else
  was = redis.call('GET', mark)
  if was and was ~= 'done' and was ~= 'dead' and ours(was, try) then
    local deliveries, tries, batch = string.match(was, '^%S+ (%d+) (%d+) %d+ (.*)$')
    redis.call('SET', mark, string.format('0 %d %d 0 %s', deliveries, tries, batch), 'EX', keep)
  end
end
local me = till .. ' ' .. mark
if published ~= '' then
  if over ~= '' or left == '1' then redis.call('ZREM', order, me) end
  local handled = over == 'done' and redis.call('GET', newest)
  if over == 'done' and (not handled or tonumber(handled) < tonumber(published)) then
    redis.call('SET', newest, published, 'EX', remember)
  end
end
local holder = redis.call('GET', run)
if ours(was, try) and (holder == mark or holder == mark .. '+') then
  redis.call('DEL', run)
  wake(line, me, published ~= '' and order)
end
