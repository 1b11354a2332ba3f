-- The same as `now`, but asked for only by whoever needs it: it is nil before.
local now
local function ask_time()
  if now then return end
  local t = redis.call('TIME')
  now = t[1] + t[2] / 1000000
end
