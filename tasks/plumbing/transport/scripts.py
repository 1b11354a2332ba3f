"""The two scripts that move messages between the queues and the record of what workers have in hand, in one step each.

The record is kombu's own, so that workers with and without these scripts restore each other's messages: a hash of
tag → `[message, exchange, routing key]` in JSON, and a sorted set of the tags by the time they were taken. An empty exchange
and the queue's name are, to kombu, the way back to exactly that queue.
"""

TAKE = """
-- KEYS: the hash, the sorted set, lists...
-- ARGV: now, how many to take, tag prefix, last number used, how many tags are done with, those tags...,
--       the number of a list or 0, the message that was popped from it and its tag,
--       for each list what follows a message in the record
local left, number, over = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lists, at = #KEYS - 2, 5 + over
if over > 0 then
  redis.call('HDEL', KEYS[1], unpack(ARGV, 6, at))
  redis.call('ZREM', KEYS[2], unpack(ARGV, 6, at))
elseif ARGV[at + 1] ~= '0' then
  redis.call('ZREM', KEYS[2], '')  -- a full Redis refuses a script that begins by adding, and the message would be lost
end
local found, record, index = {}, {}, {}
local function note(list, message, tag)
  record[#record + 1] = tag
  record[#record + 1] = '[' .. message .. ARGV[at + 3 + list]
  index[#index + 1] = ARGV[1]
  index[#index + 1] = tag
end
local function pop(list, count)
  local messages = redis.call('RPOP', KEYS[2 + list], count) or {}
  for _, message in ipairs(messages) do
    number = number + 1
    note(list, message, ARGV[3] .. number)
    found[#found + 1] = list
    found[#found + 1] = message
  end
  left = left - #messages
  return #messages == count
end
if ARGV[at + 1] ~= '0' then note(tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]) end
if left > 0 and redis.call('EXISTS', unpack(KEYS, 3)) > 0 then
  local more = {}
  for list = 1, lists do
    if left > 0 and pop(list, math.ceil(left / (lists - list + 1))) then more[#more + 1] = list end
  end
  for _, list in ipairs(more) do
    if left > 0 then pop(list, left) end
  end
end
if #record > 0 then
  redis.call('HSET', KEYS[1], unpack(record))
  redis.call('ZADD', KEYS[2], unpack(index))
end
return found
"""
"""Writes off the tags that are done with, records the message popped by a waiting worker, and takes more: of each list an
equal share, and what one leaves of its share for the others. Whatever is taken is recorded. Returns list, message, …"""

GIVE_BACK = """
-- KEYS: the hash, the sorted set, lists...; ARGV: for each list what follows a message in the record, tags, in the order taken
local lists, moved, texts = #KEYS - 2, {}, {}
local tags = {unpack(ARGV, lists + 1)}
local recorded = redis.call('HMGET', KEYS[1], unpack(tags))
for i = #tags, 1, -1 do
  for list = 1, lists do
    local rest = ARGV[list]
    if recorded[i] and string.sub(recorded[i], -#rest) == rest then
      moved[#moved + 1] = tags[i]
      texts[list] = texts[list] or {}
      table.insert(texts[list], string.sub(recorded[i], 2, -1 - #rest))
    end
  end
end
if #moved > 0 then
  redis.call('HDEL', KEYS[1], unpack(moved))
  redis.call('ZREM', KEYS[2], unpack(moved))
  for list, some in pairs(texts) do redis.call('RPUSH', KEYS[2 + list], unpack(some)) end
end
return moved
"""
"""Puts messages that nobody has seen back to where they would come next, as they were; only those that are still recorded:
others may have been restored by somebody else. Returns their tags."""
