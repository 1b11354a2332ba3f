"""The scripts behind `quota.py`. Their first argument is a JSON object, `a`, with the names used here; times are seconds.

Keys: pace, window, line, called, used, and the due times of pulls and of counts.
"""

from tasks.store.connection import NOW

SHARED = (
    NOW
    + """
local pace, window, line, called, used = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local a = cjson.decode(ARGV[1])
local function number(text) return tonumber(text) or 0 end
local function day(at) return math.floor((at + 28800) / 86400) end

local function expected() return redis.call('ZCOUNT', called, now - a.late, '+inf') end

local function next_at()
  redis.call('ZREMRANGEBYSCORE', window, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', window, now + a.span + a.arrives + 1, '+inf')
  local at, open = now, redis.call('ZCARD', window)
  if open >= a.calls then
    at = tonumber(redis.call('ZRANGE', window, open - a.calls, open - a.calls, 'WITHSCORES')[2])
  end
  local last = number(redis.call('HGET', pace, 'last'))
  if last < now + a.span + 1 then at = math.max(at, last + a.interval) end
  return at
end
"""
)

TAKE = (
    SHARED
    + """
local api, who = a.api, ARGV[2]

if redis.call('HGET', pace, 'limits') ~= a.limits then
  redis.call('DEL', line, called)
  redis.call('HSET', pace, 'limits', a.limits)
end
redis.call('EXPIRE', pace, a.keep)

local function join(from, apart)
  redis.call('ZADD', line, 'NX', now, who)
  redis.call('ZREM', called, who)
  redis.call('EXPIRE', line, a.keep)
  return from - now + (redis.call('ZRANK', line, who) + 1) * apart
end

local first, final = day(now - a.midnight), day(now + a.midnight)
local reserve = 0
if a.points_per_day and api == 'pull' then
  local dearest = redis.call('HGET', used .. ':' .. final, 'dearest')
    or redis.call('HGET', used .. ':' .. (final - 1), 'dearest')
  reserve = math.min(a.points_per_day, math.max(1, number(dearest)))
end

local spent, from = '', 0
for d = first, final do
  local found = redis.call('HMGET', used .. ':' .. d, 'pull', 'confirm', 'count', 'owed', 'points', 'held')
  local calls, points = number(found[1]) + number(found[2]) + number(found[3]), number(found[5])
  if a.calls_per_day and calls + a.needs > a.calls_per_day then
    spent = 'calls'
  elseif reserve > 0 and points - number(found[6]) + reserve > a.points_per_day then
    spent = 'points'
  elseif a.calls_per_day and api ~= 'confirm' and calls + number(found[4]) + a.needs > a.calls_per_day
    or reserve > 0 and points + reserve > a.points_per_day then
    from = math.max(from, now + a.again)
  end
  if spent ~= '' then from = math.max(from, (d + 1) * 86400 - 28800 + a.midnight) end
end
if from > 0 then
  local said = spent == '' or redis.call('HGET', used .. ':' .. first, 'said') == a.limits
  if not said then
    redis.call('HSET', used .. ':' .. first, 'said', a.limits)
    redis.call('EXPIRE', used .. ':' .. first, a.keep)
  end
  local wait = api == 'confirm' and from - now or join(from, a.apart)
  return {'spent', tostring(wait), spent, said and 0 or 1}
end

local at = now
if a.calls > 0 then
  at = next_at()
  local ready = at <= now + a.patience
  if api == 'confirm' then
    if not ready then return {'later', tostring(at - now)} end
  else
    local others = redis.call('ZCARD', line) - (redis.call('ZSCORE', line, who) and 1 or 0)
    local idle = at <= now and expected() == 0
    local in_turn = others == 0 or idle or redis.call('ZSCORE', called, who)
    if not (ready and in_turn) then return {'later', tostring(join(now + a.least, a.apart))} end
  end
  redis.call('HSET', pace, 'last', at)
  redis.call('ZADD', window, at + a.span + a.arrives, a.id)
  redis.call('EXPIRE', window, math.ceil(a.span + a.arrives) + 2)
end
redis.call('ZREM', line, who)
redis.call('ZREM', called, who)

for d = first, final do
  redis.call('HINCRBY', used .. ':' .. d, api, 1)
  if a.needs > 1 then redis.call('HINCRBY', used .. ':' .. d, 'owed', a.needs - 1) end
  if reserve > 0 then
    redis.call('HINCRBY', used .. ':' .. d, 'points', reserve)
    redis.call('HINCRBY', used .. ':' .. d, 'held', reserve)
  end
  redis.call('EXPIRE', used .. ':' .. d, a.keep)
end
return {'go', tostring(at - now), string.format('%.6f', at), reserve, first, final}
"""
)

SETTLE = (
    SHARED
    + """
local function call_in()
  for _, who in ipairs(redis.call('ZRANGEBYSCORE', called, '-inf', now - a.comes)) do
    redis.call('ZREM', line, who)
    redis.call('ZREM', called, who)
  end
  if redis.call('ZCARD', line) == 0 then return {} end
  local coming, at_once = expected(), {}
  local turn = next_at() + coming * a.interval
  for _, who in ipairs(redis.call('ZRANGE', line, 0, redis.call('ZCARD', called) + a.ahead)) do
    if coming > 0 and turn > now + a.patience then break end
    if not redis.call('ZSCORE', called, who) then
      local kind, name = string.match(who, '^(%a+) (.*)$')
      local due = turn - a.patience
      if due <= now then
        table.insert(at_once, who)
        due = now + a.claim
      end
      redis.call('ZADD', KEYS[kind == 'pull' and 6 or 7], 'XX', due, name)
      redis.call('ZADD', called, turn, who)
      redis.call('EXPIRE', called, a.keep)
      coming, turn = coming + 1, turn + a.interval
    end
  end
  return at_once
end

if redis.call('ZSCORE', window, a.id) then
  local took = math.max(0, now - a.at)
  local heard = redis.call('HINCRBY', pace, 'heard', 1)
  local least = heard > 1 and math.min(took, number(redis.call('HGET', pace, 'least'))) or took
  redis.call('HSET', pace, 'least', least)
  if heard >= a.anew then redis.call('HSET', pace, 'heard', 0) end
  least = heard > a.sure and math.max(0, least - a.slack) or 0
  redis.call('ZADD', window, a.at + a.span + math.min(a.arrives, took - least), a.id)
end

for d = a.first, a.final do
  local today = used .. ':' .. d
  local function add(field, change)
    if change ~= 0 and redis.call('HINCRBY', today, field, change) < 0 then redis.call('HSET', today, field, 0) end
  end
  add('owed', -a.owed)
  add('held', -a.reserve)
  if a.points then
    add('points', a.points - a.reserve)
    if a.points > number(redis.call('HGET', today, 'dearest')) then redis.call('HSET', today, 'dearest', a.points) end
  end
  redis.call('EXPIRE', today, a.keep)
end

return a.calls > 0 and call_in() or {}
"""
)

GIVE_BACK = (
    NOW
    + """
local today = KEYS[1] .. ':' .. math.floor((now + 28800) / 86400)
if redis.call('EXISTS', today) == 1 and redis.call('HINCRBY', today, 'owed', -ARGV[1]) < 0 then
  redis.call('HSET', today, 'owed', 0)
end
"""
)
