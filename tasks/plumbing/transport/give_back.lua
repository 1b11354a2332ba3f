-- Puts messages that nobody has seen back to where they would come next, as they were; only those that are still recorded:
-- others may have been restored by somebody else. Returns their tags.
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
