for i = 1, #KEYS, 2 do
  local mark, run = KEYS[i], KEYS[i + 1]
  if redis.call('GET', mark) == ARGV[(i + 1) / 2] then
    redis.call('DEL', mark)
    if run ~= mark and redis.call('GET', run) == mark then redis.call('DEL', run) end
  end
end
