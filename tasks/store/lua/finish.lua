-- Writes how a message ended, and counts it (ARGV[first] on) unless that stood there before: a command that is sent twice, or two
-- workers that both ran it, count once. What one of these has handled stays so. Needs `measure`. Returns what stood there.
local function finish(mark, over, keep, hash, first)
  local was = redis.call('SET', mark, over, 'EX', keep, 'GET')
  if was ~= 'done' and was ~= 'dead' then measure(hash, first) end
  if was == 'done' and over ~= was then redis.call('SET', mark, was, 'KEEPTTL') end
  return was
end
