-- Writes how a message ended, and counts it (ARGV[first] on) unless that stood there before: a command that is sent twice, or two
-- workers that both ran it, count once. Needs `measure`.
local function finish(mark, over, keep, hash, first)
  local was = redis.call('SET', mark, over, 'EX', keep, 'GET')
  if was ~= 'done' and was ~= 'dead' then measure(hash, first) end
end
