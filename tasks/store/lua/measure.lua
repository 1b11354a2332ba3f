-- Adds to counters of /metrics: fields and numbers from ARGV[first] on, of a hash. Topics come from outside: of those beyond MOST,
-- each with its gateway, all are counted as one. Only a field that is new has to be looked at.
local MOST = 150
local function measure(hash, first)
  for i = first, #ARGV, 2 do
    local field, number = ARGV[i], ARGV[i + 1]
    if redis.call('HINCRBY', hash, field, number) == tonumber(number) then
      local what, whose, topic, rest = string.match(field, '^([^\t]*)\t([^\t]*)\t([^\t]*)(\t.*)$')
      local known, named = hash .. ':topics', (whose or '') .. '\t' .. (topic or '')
      if (topic or '') ~= '' and redis.call('SISMEMBER', known, named) == 0 then
        if redis.call('SCARD', known) < MOST then
          redis.call('SADD', known, named)
        else
          redis.call('HDEL', hash, field)
          redis.call('HINCRBY', hash, what .. '\t' .. whose .. '\t…' .. rest, number)
        end
      end
    end
  end
end
