-- needs: now zadd_all
-- KEYS: due times, when they were last looked at; ARGV: how many to take, for how many seconds. A clock that was set back since, as
-- NTP does with one that began hours ahead, takes all due times along: nobody would be polled for these hours.
local STEP = 5
local last = tonumber(redis.call('GET', KEYS[2]) or now)
if last > now + STEP then
  local all, moved = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), {}
  for i = 1, #all, 2 do
    moved[#moved + 1] = string.format('%.17g', all[i + 1] - (last - now))
    moved[#moved + 1] = all[i]
    if #moved == 2000 or i + 1 == #all then
      redis.call('ZADD', KEYS[1], unpack(moved))
      moved = {}
    end
  end
end
if last > now + STEP or now > last + 1 or last == now then redis.call('SET', KEYS[2], string.format('%.3f', now), 'EX', 86400) end

local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local again = string.format('%.17g', now + ARGV[2])
zadd_all(KEYS[1], again, names)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {names, redis.call('ZCARD', KEYS[1]), first[2] and tostring(first[2] - now) or '', again}
