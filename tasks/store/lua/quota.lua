-- needs: now day
-- What taking and settling a call share. `a` is the first argument, a JSON object; its times are seconds.
-- Keys: pace, window, line, called, used, and the due times of pulls and of counts.
local pace, window, line, called, used = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local a = cjson.decode(ARGV[1])
local function number(text) return tonumber(text) or 0 end

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
