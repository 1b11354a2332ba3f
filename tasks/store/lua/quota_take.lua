-- needs: now day quota take stands
-- Where the pause KEYS[8] has not ended at ARGV[3], nothing is taken and the pause is told.
local pause = KEYS[8] and redis.call('GET', KEYS[8])
if stands(pause, tonumber(ARGV[3])) then return {'paused', pause} end
of(1, ARGV[1])
return take(ARGV[2])
