-- needs: measure
-- Counts what KEYS[2] stands for, unless that was counted within ARGV[1] seconds.
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then measure(KEYS[1], 2) end
