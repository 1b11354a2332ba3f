-- needs: now measure wake claim_left
local mark, run, line, order, newest = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local batch, seconds, remember, done, lock, published, till, mine = unpack(ARGV)
local was = redis.call('GET', mark)
if was == 'done' or was == 'dead' then return {was, '0', 0, 0, 0, 0} end

local runs, deliveries, tries, open, before = 0, 0, 0, 0, ''
if was and mine ~= 'held' then
  runs, deliveries, tries, open, before = string.match(was, '^(%S+) (%d+) (%d+) (%d+) (.*)$')
end
local begun = mine ~= '' and mine ~= 'held'
if begun and tries ~= mine then begun, mine = false, '' end
local left = mine == '' and tonumber(runs) or 0
if left > 0 then left = claim_left(mark, left, remember) end
if left > 0 then return {'busy', tostring(left), 0, 0, 0, 0} end

local me = till .. ' ' .. mark
local function stay(where, score)
  redis.call('ZADD', where, 'NX', score, me)
  local keep = math.max(1, math.ceil(till - now))
  if redis.call('PTTL', where) < keep * 1000 then redis.call('EXPIRE', where, keep) end
end
local function not_yet(why, wait, place)
  if mine == 'held' or begun and tonumber(tries) <= 1 then
    redis.call('DEL', mark)
  elseif begun then
    local back = string.format('0 %d %d %d ', math.max(0, deliveries - 1), tries - 1, math.max(0, open - 1))
    redis.call('SET', mark, back, 'EX', remember)
  end
  return {why, tostring(wait), 0, 0, 0, place}
end

if published ~= '' then
  local handled = redis.call('GET', newest)
  if handled and tonumber(handled) > tonumber(published) then
    redis.call('SET', mark, 'done', 'EX', done)
    measure(KEYS[6], 9)
    redis.call('ZREM', order, me)
    local holder = redis.call('GET', run)
    if holder == mark then redis.call('DEL', run) end
    if not holder or holder == mark then wake(line, me, order) end
    return {'superseded', '0', 0, 0, 0, 0}
  end
  stay(order, published)
  while true do
    local top = redis.call('ZREVRANGEBYSCORE', order, '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if not top[2] or tonumber(top[2]) <= tonumber(published) then break end
    local ends, other = string.match(top[1], '^(%S+) (.*)$')
    local over = redis.call('GET', other)
    if tonumber(ends) > now and over ~= 'done' and over ~= 'dead' then
      -- It may have been told that it is its turn, which is somebody else's.
      if redis.call('ZREM', line, me) == 1 and redis.call('EXISTS', run) == 0 then wake(line, me) end
      return not_yet('behind', 0, 0)
    end
    redis.call('ZREM', order, top[1])
  end
end

local holder = redis.call('GET', run)
if holder and holder ~= mark then
  stay(line, now)
  while true do
    local first = redis.call('ZRANGE', line, 0, 0)[1]
    if first == me or tonumber(string.match(first, '^(%S+) ')) > now then break end
    redis.call('ZREM', line, first)
  end
  return not_yet('queued', lock - redis.call('PTTL', run) / 1000, redis.call('ZRANK', line, me))
end
redis.call('SET', run, mark, 'PX', math.ceil(lock * 1000))
redis.call('ZREM', line, me)
if begun then return {'begun', '0', deliveries, tries, open, 0} end
if before ~= batch then deliveries = deliveries + 1 end
tries, open = tries + 1, open + 1
redis.call('SET', mark, string.format('%s %d %d %d %s', seconds, deliveries, tries, open, batch), 'EX', remember)
return {'begun', '0', deliveries, tries, open, 0}
