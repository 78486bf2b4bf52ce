-- Renames a whole waiting or failed list into the trash. Waiting jobs may hold groups that must be completed one by one,
-- so a waiting list goes whole only while no group is active.
-- KEYS  1 list  2 its name in the trash  3 set of active groups
-- ARGV  1 'waiting' or 'failed'  2 trash TTL, s
-- Returns how many elements went, or -1 = not whole: take them one by one. An error: nothing was changed.
local bad = holds(KEYS[1], 'list')
if bad then return bad end
-- The step is repeated after a lost connection: what went already must not be overwritten by what came since.
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.call('LLEN', KEYS[2]) end
local n = redis.call('LLEN', KEYS[1])
if n == 0 then return 0 end
if ARGV[1] == 'waiting' and redis.call('EXISTS', KEYS[3]) == 1 then return -1 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return n
