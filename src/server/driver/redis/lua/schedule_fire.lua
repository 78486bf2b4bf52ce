-- Fires one due schedule: takes the library's lock of this second, pushes the job and advances the schedule, in one step.
-- KEYS  1 sorted set of schedules  2 hash of the schedule  3 the lock of this second  4 list (or delayed set) of the queue
--       5 hash: when consoles fired which schedule  6 hash: who ticks  7 list of missed runs
-- ARGV  1 id  2 score as read  3 cron as read  4 queue as read  5 job as read  6 payload  7 due time in the delayed set, or ''
--       8 now, ms  9 next run, ms  10 seconds for which the lock lives  11 what was missed, or ''  12 missed runs that are kept
-- Returns 1 = fired, 0 = not as read: fired by somebody else, edited, turned off or deleted (nothing was changed),
-- -1 = another ticker holds the lock of this second (nothing was pushed). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'hash') or holds(KEYS[4], ARGV[7] == '' and 'list' or 'zset')
  or holds(KEYS[5], 'hash') or holds(KEYS[6], 'hash') or holds(KEYS[7], 'list')
if bad then return bad end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local seen = redis.call('HMGET', KEYS[2], 'cron', 'queue', 'job', 'enabled', 'lastRun')
if seen[1] ~= ARGV[3] or seen[2] ~= ARGV[4] or seen[3] ~= ARGV[5] or seen[4] ~= 'true' then return 0 end
local ours = redis.call('HGET', KEYS[5], ARGV[1])
if not redis.call('SET', KEYS[3], '1', 'NX', 'EX', ARGV[10]) then
  -- A schedule that was edited in the second in which a console fired it waits for the next one.
  if not ours or math.floor(tonumber(ours) / 1000) ~= math.floor(tonumber(ARGV[8]) / 1000) then
    redis.call('HSET', KEYS[6], 'foreignAt', ARGV[8], 'foreignId', ARGV[1])
  end
  return -1
end
local last, since = tonumber(seen[5] or ''), tonumber(redis.call('HGET', KEYS[6], 'since') or '')
if last and since and last > since and seen[5] ~= ours then
  redis.call('HSET', KEYS[6], 'foreignAt', seen[5], 'foreignId', ARGV[1])
end
if ARGV[7] == '' then
  redis.call('LPUSH', KEYS[4], ARGV[6])
else
  redis.call('ZADD', KEYS[4], ARGV[7], ARGV[6])
end
redis.call('HSET', KEYS[2], 'lastRun', ARGV[8], 'nextRun', ARGV[9])
redis.call('ZADD', KEYS[1], ARGV[9], ARGV[1])
redis.call('HSET', KEYS[5], ARGV[1], ARGV[8])
if ARGV[11] ~= '' then
  redis.call('LPUSH', KEYS[7], ARGV[11])
  redis.call('LTRIM', KEYS[7], 0, ARGV[12] - 1)
end
return 1
