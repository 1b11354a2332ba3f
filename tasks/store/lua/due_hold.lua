-- needs: now zadd_all
-- Whose due time is another than the claim set has been polled already.
local names, held = {unpack(ARGV, 3)}, {}
for i, at in ipairs(redis.call('ZMSCORE', KEYS[1], unpack(names))) do
  if at and tonumber(at) == tonumber(ARGV[1]) then held[#held + 1] = names[i] end
end
zadd_all(KEYS[1], string.format('%.17g', now + ARGV[2]), held)
