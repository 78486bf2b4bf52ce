-- Takes one element out of a delayed set into the trash.
-- KEYS  1 delayed set  2 trash items
-- ARGV  1 raw element  2 trash item without its score  3 trash TTL, s
--       4 what has a score up to this (epoch ms) is due, '' = no worker serves this queue: nothing is
-- Returns 1 = taken out, 0 = gone, 2 = due (a worker takes it next). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'list')
if bad then return bad end
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
local due = tonumber(ARGV[4])
if due and tonumber(score) <= due then return 2 end
redis.call('LPUSH', KEYS[2], score .. '\n' .. ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
