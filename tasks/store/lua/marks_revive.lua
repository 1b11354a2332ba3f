if redis.call('GET', KEYS[1]) == 'dead' then redis.call('DEL', KEYS[1]) end
