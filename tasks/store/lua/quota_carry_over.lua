-- needs: now day
-- What was used and is under way under one name counts under another from now on.
-- KEYS: used and window of the one, used and window of the other; ARGV: how many seconds a day's figures are kept
local keep = tonumber(ARGV[1])
for d = day(now - keep), day(now) + 1 do
  local from, to = KEYS[1] .. ':' .. d, KEYS[3] .. ':' .. d
  local found = redis.call('HGETALL', from)
  for i = 1, #found, 2 do
    local field, value = found[i], tonumber(found[i + 1])
    if field == 'dearest' then
      redis.call('HSET', to, field, math.max(value, tonumber(redis.call('HGET', to, field)) or 0))
    elseif value then
      redis.call('HINCRBY', to, field, value)
    end
  end
  if #found > 0 then
    redis.call('EXPIRE', to, keep)
    redis.call('DEL', from)
  end
end
local calls = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #calls, 2 do redis.call('ZADD', KEYS[4], calls[i + 1], calls[i]) end
if #calls > 0 then
  redis.call('PEXPIRE', KEYS[4], math.max(redis.call('PTTL', KEYS[4]), redis.call('PTTL', KEYS[2])))
  redis.call('DEL', KEYS[2])
end
