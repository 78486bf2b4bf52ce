-- Turns a schedule on or off. One that is turned on runs next at the time given, not for what it slept through.
-- KEYS  1 sorted set of schedules  2 hash of the schedule
-- ARGV  1 id  2 'true' or 'false'  3 cron as read  4 next run, ms ('' when it is turned off)
-- Returns 1 = done, 2 = it was so before, 0 = its cron is not as read, -1 = it is gone (nothing was changed). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'hash')
if bad then return bad end
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
local cron, enabled = unpack(redis.call('HMGET', KEYS[2], 'cron', 'enabled'))
if (cron or '') ~= ARGV[3] then return 0 end
-- The library takes 'true' alone for on.
if (enabled == 'true') == (ARGV[2] == 'true') then return 2 end
redis.call('HSET', KEYS[2], 'enabled', ARGV[2])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], 'nextRun', ARGV[4])
  redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
end
return 1
