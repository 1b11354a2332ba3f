-- Tells the workers whose turn it is, as a key has become free: the first that was turned away, else the newest that stands in
-- `newer`. It finds nothing to do in the usual case, where nobody waits. Whoever is told looks for itself; nobody counts on being
-- told, so a Redis that does not allow it (pcall) costs a wait.
local function wake(line, me, newer)
  local first = redis.call('ZRANGE', line, 0, 0)[1]
  if first then
    redis.call('ZREM', line, me)
    local at = redis.call('TIME')
    repeat
      first = redis.call('ZRANGE', line, 0, 0)[1]
      local till, mark = string.match(first or '', '^(%S+) (.*)$')
      local was = mark and redis.call('GET', mark)
      local over = mark and (tonumber(till) <= at[1] + at[2] / 1000000 or was == 'done' or was == 'dead')
      if over then redis.call('ZREM', line, first) end
    until not over
  end
  if not first and newer then first = redis.call('ZREVRANGE', newer, 0, 0)[1] end
  if first and first ~= me then redis.pcall('PUBLISH', 'tidings:turn', string.match(first, '^%S+ (.*)$')) end
end
