-- needs: now
-- Up to so many letters that have reached an age at which they are redriven. KEYS: the turn, then the letters by how often they were
-- redriven. ARGV: how long a turn takes, in milliseconds, how many letters, then the ages in seconds, ascending. A turn that would
-- last longer, and a letter that was buried later than now, are from when Redis's clock was ahead: neither waits for these hours.
local STEP = 5
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return {} end
local left, found = tonumber(ARGV[2]), {}
for number = 1, #ARGV - 2 do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[number + 1], now + STEP, '+inf', 'LIMIT', 0, left)) do
    redis.call('ZADD', KEYS[number + 1], now, id)
  end
  local newest = now - tonumber(ARGV[number + 2])
  local due = redis.call('ZRANGEBYSCORE', KEYS[number + 1], '-inf', newest, 'LIMIT', 0, left)
  for _, id in ipairs(due) do found[#found + 1] = id end
  left = left - #due
end
return found
