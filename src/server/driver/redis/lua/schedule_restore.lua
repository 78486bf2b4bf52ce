-- Brings back a schedule that was deleted, with every field that it had, and a next run of now on.
-- KEYS  1 sorted set of schedules  2 hash of the schedule  3 where the hash is kept  4 hash: when consoles fired which schedule
-- ARGV  1 id  2 next run, ms
-- Returns 1 = restored, 0 = there is one of this id again, -1 = it is not kept any more (nothing was changed). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[3], 'hash') or holds(KEYS[4], 'hash')
if bad then return bad end
if redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('RENAME', KEYS[3], KEYS[2])
redis.call('PERSIST', KEYS[2])
redis.call('HSET', KEYS[2], 'nextRun', ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
-- Its last run of before is not one that somebody else made meanwhile.
local last = redis.call('HGET', KEYS[2], 'lastRun')
if last then redis.call('HSET', KEYS[4], ARGV[1], last) end
return 1
