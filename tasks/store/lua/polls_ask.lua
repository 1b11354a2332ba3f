-- needs: clock day quota take load stands
-- What those who are about to poll have to know. Where nothing may stand in the way of one whose gateway has limits, its call is
-- taken in the same step; else the rules decide, and it is taken then.
-- KEYS: what latest pulls told; of each, its pause and its gateway's, held, open, sizes, inbox, and then the gateway's of `quota`
-- ARGV: when they ask; of each, its name, the lease of its gateway, and what `take` needs, '' to take nothing
local KNOWN, LIMITS, STEP = 6, 7, 5
local asked, names, first, texts, places = tonumber(ARGV[1]), {}, {}, {}, {}
local at = 2
for i = 2, #ARGV, 3 do
  table.insert(names, ARGV[i])
  table.insert(first, at)
  for k = at, at + 2 do table.insert(texts, KEYS[k]) end
  table.insert(places, KEYS[at + 3])
  table.insert(places, KEYS[at + 5])
  at = at + KNOWN + (ARGV[i + 2] ~= '' and LIMITS or 0)
end

-- A lease that would end later than one that begins now was noted while Redis's clock was ahead, and it has been set back since.
local function shorten(leases, lease)
  for _, batch in ipairs(redis.call('ZRANGEBYSCORE', leases, now + lease + STEP, '+inf')) do
    redis.call('ZADD', leases, now + lease, batch)
  end
end

local found, seen = redis.call('MGET', unpack(texts)), redis.call('HMGET', KEYS[1], unpack(names))
local any = redis.call('EXISTS', unpack(places)) > 0

local answers = {}
for n, name in ipairs(names) do
  local k = first[n]
  local on_account, on_gateway, held = found[3 * n - 2], found[3 * n - 1], found[3 * n]
  local open, waiting, over = {0, 0, '0'}, 0, 0
  if any or held then
    ask_time()
    shorten(KEYS[k + 3], ARGV[3 * n])
    shorten(KEYS[k + 5], ARGV[3 * n])
    open = load(KEYS[k + 3], KEYS[k + 4], KEYS[k + 2])
    waiting = redis.call('ZCARD', KEYS[k + 5])
    over = waiting > 0 and redis.call('ZCOUNT', KEYS[k + 5], '-inf', now) or 0
  end
  local about, taken = ARGV[3 * n + 1], false
  local free = not held and open[1] == 0 and over == 0 and not stands(on_account, asked) and not stands(on_gateway, asked)
  if about ~= '' and free then
    ask_time()
    of(k + KNOWN, about)
    taken = take('pull ' .. name)
  end
  answers[n] = {on_account, on_gateway, seen[n], open, waiting, over, taken}
end
return answers
