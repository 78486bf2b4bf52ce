-- Deletes a schedule and keeps its hash for a while. A key of another type under its name is left alone.
-- KEYS  1 sorted set of schedules  2 hash of the schedule  3 where the hash is kept  4 hash: when consoles fired which schedule
-- ARGV  1 id  2 seconds for which it is kept
-- Returns 1 = deleted, -1 = it was gone (nothing was changed). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[4], 'hash')
if bad then return bad end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'hash' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return -1 end
if kind == 'hash' then
  redis.call('RENAME', KEYS[2], KEYS[3])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return 1
