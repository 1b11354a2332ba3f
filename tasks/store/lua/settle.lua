-- Notes the end of a call, and tells who is called in. Needs `quota`.
local function call_in()
  if redis.call('ZCARD', line) == 0 then return {} end
  for _, who in ipairs(redis.call('ZRANGEBYSCORE', called, '-inf', now - a.comes)) do
    redis.call('ZREM', line, who)
    redis.call('ZREM', called, who)
  end
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
      redis.call('ZADD', dues[kind], 'XX', due, name)
      redis.call('ZADD', called, turn, who)
      redis.call('EXPIRE', called, a.keep)
      coming, turn = coming + 1, turn + a.interval
    end
  end
  return at_once
end

local function settle()
  if a.calls > 0 and redis.call('ZSCORE', window, a.id) then
    local took = math.max(0, now - a.at)
    local heard = redis.call('HINCRBY', pace, 'heard', 1)
    local before = heard > 1 and number(redis.call('HGET', pace, 'least'))
    local least = before and math.min(took, before) or took
    if least ~= before then redis.call('HSET', pace, 'least', least) end
    if heard >= a.anew then redis.call('HSET', pace, 'heard', 0) end
    least = heard > a.sure and math.max(0, least - a.slack) or 0
    redis.call('ZADD', window, a.at + a.span + math.min(a.arrives, took - least), a.id)
  end

  for d = a.first, a.final do
    local today = used .. ':' .. d
    local function add(field, change)
      if change == 0 then return end
      local total = redis.call('HINCRBY', today, field, change)
      if total < 0 then redis.call('HSET', today, field, 0) end
      if total == change then redis.call('EXPIRE', today, a.keep) end
    end
    add('owed', -a.owed)
    add('held', -a.reserve)
    if a.points then
      add('points', a.points - a.reserve)
      if a.points > 0 and a.points > number(redis.call('HGET', today, 'dearest')) then
        redis.call('HSET', today, 'dearest', a.points)
        redis.call('EXPIRE', today, a.keep)
      end
    end
  end

  return a.calls > 0 and call_in() or {}
end
