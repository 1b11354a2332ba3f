-- For how many more seconds nobody may begin a message whose mark says that it `runs` for so many; what the mark has left to live
-- tells since when. One that would live longer than if it were written now is from when Redis's clock was ahead, and counts from now.
local function claim_left(mark, runs, remember)
  local since = remember - redis.call('PTTL', mark) / 1000
  if since < 0 then
    redis.call('EXPIRE', mark, remember)
    since = 0
  end
  return runs - since
end
