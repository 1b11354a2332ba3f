-- needs: now
-- KEYS: the hash; ARGV: how many wait, the shortest sample, over how long samples count that raise the rate and that lower it, how
-- long the hash is kept. Seconds. Returns the rate, and whether it is known ("1") or only the least that handlers can.
local waiting = tonumber(ARGV[1])
local was = redis.call('HMGET', KEYS[1], 'at', 'base', 'waiting', 'rate', 'handed', 'known')
local at, base, before, handed = tonumber(was[1]), tonumber(was[2]), tonumber(was[3]), tonumber(was[5] or 0)
local rate, known = was[4] or '0', was[6] or ''
local passed = at and now - at or 0
if at and passed >= 0 and passed < tonumber(ARGV[2]) and (waiting > 0) == (before > 0) then return {rate, known} end
if passed > 0 then
  local old, taken = tonumber(rate), handed - waiting - base
  local seen = taken / passed
  -- What waited then has lasted until now. Less than nothing is taken where what was being handed out then has come to wait.
  local certain, span = waiting > 0 and taken >= 0 and taken < before, nil
  if certain and known ~= '1' and seen > old then
    rate = tostring(seen)
  elseif seen > old then
    span = ARGV[3]
  elseif certain then
    span = ARGV[4]
  end
  if certain then known = '1' end
  if span then rate = tostring(old + (seen - old) * (1 - math.exp(-passed / span))) end
  redis.call('HSET', KEYS[1], 'rate', rate, 'known', known)
end
redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now), 'base', handed - waiting, 'waiting', waiting)
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {rate, known}
