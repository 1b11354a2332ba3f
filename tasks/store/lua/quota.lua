-- What taking and settling a call share, with `now` and `day` before it. `of` says which call it is about: the first of its
-- gateway's keys, and a JSON object whose times are seconds.
local pace, window, line, called, used, dues, a
local function of(first, about)
  pace, window, line, called, used = KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3], KEYS[first + 4]
  dues = {pull = KEYS[first + 5], count = KEYS[first + 6]}
  a = cjson.decode(about)
end
local function number(text) return tonumber(text) or 0 end

-- Whose turn is later than anybody's can be was called in while Redis's clock was ahead: nobody waits for these hours.
local function expected()
  redis.call('ZREMRANGEBYSCORE', called, now + 2 * (a.span + a.arrives + 1), '+inf')
  return redis.call('ZCOUNT', called, now - a.late, '+inf')
end

local function next_at()
  redis.call('ZREMRANGEBYSCORE', window, '-inf', now)
  local at, open = now, redis.call('ZCARD', window)
  if open >= a.calls and redis.call('ZREMRANGEBYSCORE', window, now + a.span + a.arrives + 1, '+inf') > 0 then
    open = redis.call('ZCARD', window)
  end
  if open >= a.calls then
    at = tonumber(redis.call('ZRANGE', window, open - a.calls, open - a.calls, 'WITHSCORES')[2])
  end
  local last = number(redis.call('HGET', pace, 'last'))
  if last < now + a.span + 1 then at = math.max(at, last + a.interval) end
  return at
end
