-- The time of every script: Redis's, which is one clock for all machines; in seconds since the epoch.
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
