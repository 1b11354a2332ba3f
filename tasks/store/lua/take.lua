-- Takes one call, or a place in its gateway's line. Needs `quota`.
local function take(who)
  local api = a.api
  if redis.call('HGET', pace, 'limits') ~= a.limits then
    redis.call('DEL', line, called)
    redis.call('HSET', pace, 'limits', a.limits)
    redis.call('EXPIRE', pace, a.keep)
  end

  local function join(from, apart)
    redis.call('ZADD', line, 'LT', now, who)
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
  for d = first, (a.calls_per_day or reserve > 0) and final or first - 1 do
    local found = redis.call('HMGET', used .. ':' .. d, 'pull', 'confirm', 'count', 'owed', 'points', 'held')
    local calls, points = number(found[1]) + number(found[2]) + number(found[3]), number(found[5])
    if a.calls_per_day and calls + a.needs > a.calls_per_day then
      spent = 'calls'
    elseif reserve > 0 and points - number(found[6]) + reserve > a.points_per_day then
      spent = 'points'
    elseif a.calls_per_day and (api ~= 'confirm' or a.spare) and calls + number(found[4]) + a.needs > a.calls_per_day
      or reserve > 0 and points + reserve > a.points_per_day then
      from = math.max(from, now + a.again)
    end
    if spent ~= '' then from = math.max(from, begins(d + 1) + a.midnight) end
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
      local waiting = redis.call('ZCARD', line)
      local others = waiting - (waiting > 0 and redis.call('ZSCORE', line, who) and 1 or 0)
      local in_turn = others == 0 or at <= now and expected() == 0 or redis.call('ZSCORE', called, who)
      if not (ready and in_turn) then return {'later', tostring(join(now + a.least, a.apart))} end
    end
    redis.call('HSET', pace, 'last', at)
    redis.call('ZADD', window, at + a.span + a.arrives, a.id)
    redis.call('EXPIRE', window, math.ceil(a.span + a.arrives) + 2)
  end
  if api ~= 'confirm' and redis.call('ZREM', line, who) == 1 then redis.call('ZREM', called, who) end

  for d = first, final do
    if redis.call('HINCRBY', used .. ':' .. d, api, 1) == 1 then
      redis.call('EXPIRE', used .. ':' .. d, a.keep)
      redis.call('EXPIRE', pace, a.keep)
    end
    if a.needs > 1 then redis.call('HINCRBY', used .. ':' .. d, 'owed', a.needs - 1) end
    if reserve > 0 then
      redis.call('HINCRBY', used .. ':' .. d, 'points', reserve)
      redis.call('HINCRBY', used .. ':' .. d, 'held', reserve)
    end
  end
  return {'go', tostring(at - now), string.format('%.6f', at), reserve, first, final}
end
