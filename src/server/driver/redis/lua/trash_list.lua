-- Renames a whole waiting or failed list into the trash. Waiting jobs may hold groups that must be completed one by one,
-- so a waiting list goes whole only while no group is active.
-- KEYS  1 list  2 its name in the trash  3 set of active groups
-- ARGV  1 'waiting' or 'failed'  2 trash TTL, s  3… digests of the newest elements that were there, the newest first
-- What came since stands before those: a failed list keeps it, a waiting list then does not go whole. When none of them is found,
-- nothing tells what came since, and nothing goes.
-- Returns how many elements went, or how many are there, below 0: none went. An error: nothing was changed.
local bad = holds(KEYS[1], 'list')
if bad then return bad end
-- The step is repeated after a lost connection: what went already must not be overwritten by what came since.
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.call('LLEN', KEYS[2]) end
local n, waiting = redis.call('LLEN', KEYS[1]), ARGV[1] == 'waiting'
-- Of none, nothing goes.
if n == 0 or (#ARGV == 2 and not waiting) then return 0 end
if waiting and redis.call('EXISTS', KEYS[3]) == 1 then return -n end
local since
each(KEYS[1], 0, waiting and 0 or 999, true, 4194304, function(at, raw)
  local hash = digest(raw)
  for i = 3, #ARGV do
    if ARGV[i] == hash then
      since = at
      return true
    end
  end
end)
if not since then return -n end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
for _ = 1, since do
  redis.call('RPUSH', KEYS[1], redis.call('LINDEX', KEYS[2], 0))
  redis.call('LPOP', KEYS[2])
end
return n - since
