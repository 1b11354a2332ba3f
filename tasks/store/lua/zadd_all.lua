-- One due time for many accounts, as many at a time as Lua hands over.
local function zadd_all(key, at, names)
  for first = 1, #names, 1000 do
    local pairs_ = {}
    for i = first, math.min(first + 999, #names) do
      pairs_[#pairs_ + 1] = at
      pairs_[#pairs_ + 1] = names[i]
    end
    redis.call('ZADD', key, unpack(pairs_))
  end
end
