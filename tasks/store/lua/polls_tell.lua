-- needs: clock day quota settle
-- What polls, counts and confirms have learnt. Tells of each call that is settled who is called in.
-- KEYS: due times, what pulls told, a gateway's of `quota` for each call to settle, hashes to count in, a batch's inbox and raw
--   reply, numbers of gateways' calls, the marks of those who are held back from now on, and of those who are no more
-- ARGV: the time, '' where who tells does not know Redis's; then how many ..., and the words of each, in this order:
--   calls to settle (what `settle` needs), due times (seconds, name), pulls (name, text), hashes (seconds to live, 0 for
--   good, how many fields, and field and number of each), empty replies (batch), gateways (how many words, and those of BITFIELD),
--   those who are held back, those who are no more; and for how many seconds a mark is kept
local word, place = 1, 2
local function next_word() word = word + 1 return ARGV[word] end
local function next_key() place = place + 1 return KEYS[place] end

local called_in = {}
for n = 1, next_word() do
  ask_time()
  of(place + 1, next_word())
  place = place + 7
  called_in[n] = settle()
end

now = now or tonumber(ARGV[1])
if not now then ask_time() end

local due = {}
for _ = 1, next_word() do
  table.insert(due, now + next_word())
  table.insert(due, next_word())
end
if #due > 0 then redis.call('ZADD', KEYS[1], 'XX', unpack(due)) end

local seen = {}
for _ = 1, 2 * next_word() do table.insert(seen, next_word()) end
if #seen > 0 then redis.call('HSET', KEYS[2], unpack(seen)) end

for _ = 1, next_word() do
  local hash, seconds, new = next_key(), next_word(), false
  for _ = 1, next_word() do
    local field, number = next_word(), next_word()
    new = redis.call('HINCRBY', hash, field, number) == tonumber(number) or new
  end
  if new and seconds ~= '0' then redis.call('EXPIRE', hash, seconds) end
end

for _ = 1, next_word() do
  redis.call('ZREM', next_key(), next_word())
  redis.call('DEL', next_key())
end
for _ = 1, next_word() do
  local words = {}
  for i = 1, next_word() do words[i] = next_word() end
  redis.call('BITFIELD', next_key(), unpack(words))
end
local hold, let_go = next_word(), next_word()
local keep = next_word()
for _ = 1, hold do redis.call('SET', next_key(), string.format('%.3f', now), 'EX', keep) end
for _ = 1, let_go do redis.call('DEL', next_key()) end
return called_in
