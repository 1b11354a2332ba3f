-- needs: measure
-- KEYS: what the account has open, their sizes, whether it is held; the batch, all batches, the counters. A confirm that is done
-- again, as its worker was killed, finds no batch: it is counted already.
local opened, sizes, held, batch, all, measures = unpack(KEYS)
redis.call('ZREM', opened, ARGV[1])
redis.call('HDEL', sizes, ARGV[1])
redis.call('HDEL', all, ARGV[1])
if redis.call('DEL', batch) == 1 then measure(measures, 2) end
return redis.call('EXISTS', held)
