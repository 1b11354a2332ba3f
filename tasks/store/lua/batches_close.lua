-- needs: clock measure load
-- KEYS: what the account has open, their sizes, whether it is held; the batch, all batches, the counters, one that this is
-- counted, its contents; ARGV: the batch, when its lease ends and how long that is (0: nobody knows). A confirm that is done again, as its worker
-- was killed, finds no batch: it is counted already. Nor does one that comes when the batch has run out by itself: what came after
-- the lease is noted for a while.
local opened, sizes, held, batch, all, measures, counted, contents = unpack(KEYS)
local ends, lease = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREM', opened, ARGV[1])
redis.call('HDEL', sizes, ARGV[1])
redis.call('HDEL', all, ARGV[1])
redis.call('DEL', contents)
local new = redis.call('DEL', batch) == 1
ask_time()
if lease > 0 and now >= ends and (new or now >= ends + lease) then
  new = redis.call('SET', counted, '1', 'NX', 'EX', math.max(1, math.ceil(2 * lease)))
end
if new then measure(measures, 4) end
return redis.call('EXISTS', held) == 1 and load(opened, sizes, held)
