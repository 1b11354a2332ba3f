-- Whether a pause has not ended by a time; whether it is in force then is a rule's to say. Read as text, as in pauses_put.
local function stands(pause, at)
  if not pause then return false end
  local ends = tonumber(string.match(pause, '^{"until": ([^,]+),'))
  return not ends or ends > at
end
