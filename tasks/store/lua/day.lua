-- The platforms' days, GMT+8, numbered from 1970 as in clock.py.
local DAY, OFFSET = 86400, 28800
local function day(at) return math.floor((at + OFFSET) / DAY) end
local function begins(number) return number * DAY - OFFSET end
