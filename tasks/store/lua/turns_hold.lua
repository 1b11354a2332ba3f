local held = {}
for i = 1, #KEYS, 2 do
  local mark, run = KEYS[i], KEYS[i + 1]
  held[#held + 1] = 0
  if redis.call('SET', mark, ARGV[i], 'NX', 'EX', ARGV[#ARGV]) then
    if redis.call('SET', run, mark, 'NX', 'PX', ARGV[i + 1]) then
      held[#held] = 1
    else
      redis.call('DEL', mark)
    end
  end
end
return held
