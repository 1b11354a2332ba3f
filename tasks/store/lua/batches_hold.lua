-- needs: now
redis.call('SET', KEYS[1], string.format('%.3f', now), 'EX', ARGV[1])
