-- needs: now
local waiting = tonumber(ARGV[1])
local was = redis.call('HMGET', KEYS[1], 'at', 'base', 'waiting', 'rate', 'handed')
local at, base, before, handed = tonumber(was[1]), tonumber(was[2]), tonumber(was[3]), tonumber(was[5] or 0)
local rate = was[4]
local passed = at and now - at or 0
if at and passed >= 0 and passed < tonumber(ARGV[2]) and (waiting > 0) == (before > 0) then return rate end
if waiting > 0 and (before or 0) > 0 and passed > 0 then
  local seen = math.max(0, (handed - waiting - base) / passed)
  local old = tonumber(rate)
  rate = tostring(old and old + (seen - old) * (1 - math.exp(-passed / ARGV[3])) or seen)
  redis.call('HSET', KEYS[1], 'rate', rate)
end
redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now), 'base', handed - waiting, 'waiting', waiting)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return rate
