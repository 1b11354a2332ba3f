-- needs: now
-- What went wrong: one field each, `SINCE COUNT TEXT`. A run ends when nothing went wrong for a window.
local at, told, field = KEYS[1], KEYS[2], ARGV[1]
local window, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local since, count = now, 0
local last = redis.call('ZSCORE', at, field)
if last and math.abs(now - tonumber(last)) < window then
  local was_since, was_count = string.match(redis.call('HGET', told, field) or '', '^(%S+) (%d+) ')
  if was_since then since, count = tonumber(was_since), tonumber(was_count) end
end
redis.call('ZADD', at, now, field)
redis.call('HSET', told, field, string.format('%.3f %d %s', since, count + tonumber(ARGV[2]), ARGV[3]))
local gone = redis.call('ZRANGEBYSCORE', at, '-inf', now - window, 'LIMIT', 0, 100)
if #gone == 0 and redis.call('ZCARD', at) > most then gone = redis.call('ZRANGE', at, 0, 0) end
if #gone > 0 then
  redis.call('ZREM', at, unpack(gone))
  redis.call('HDEL', told, unpack(gone))
end
redis.call('EXPIRE', at, window)
redis.call('EXPIRE', told, window)
