-- Writes off the tags that are done with, records the message popped by a waiting worker, and takes more: of each list an
-- equal share, and what one leaves of its share for the others. Whatever is taken is recorded. Returns list, message, ...
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
