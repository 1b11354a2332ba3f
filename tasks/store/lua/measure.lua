-- Adds to counters of /metrics: fields and numbers from ARGV[first] on, of a hash. Topics come from outside: of those beyond MOST,
-- each with its gateway, all are counted as one. Only a field that is new has to be looked at. One that can take no more begins
-- anew, as Prometheus knows it of counters: nothing that is counted may fail for that.
local MOST = 150
local function measure(hash, first)
  for i = first, #ARGV, 2 do
    local field, number = ARGV[i], ARGV[i + 1]
    local total = redis.pcall('HINCRBY', hash, field, number)
    if type(total) == 'table' then
      redis.call('HSET', hash, field, 0)
    elseif total == tonumber(number) then
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
