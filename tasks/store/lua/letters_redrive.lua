-- needs: now
-- Moves each of these letters that has reached an age to where those of that age are. KEYS: the letters by how often they were
-- redriven. ARGV: how many ages there are, these in seconds, ascending, then ids. Of a letter that is gone meanwhile nothing is left.
local ages = tonumber(ARGV[1])
local function reached(number, since) return number <= ages and now - tonumber(ARGV[number + 1]) >= tonumber(since) end
for place = ages + 2, #ARGV do
  for number = 1, ages do
    local since = redis.call('ZSCORE', KEYS[number], ARGV[place])
    if since then
      local passed = number
      while reached(passed, since) do passed = passed + 1 end
      if passed > number then
        redis.call('ZREM', KEYS[number], ARGV[place])
        redis.call('ZADD', KEYS[passed], since, ARGV[place])
      end
      break
    end
  end
end
