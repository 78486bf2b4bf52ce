-- Adds a schedule, or changes cron, queue and job of one that is still as it was seen. Every other field stays.
-- KEYS  1 sorted set of schedules  2 hash of the schedule
-- ARGV  1 id  2 'add' or 'edit'  3 cron, 4 queue, 5 job as seen ('' = absent)  6 cron  7 queue  8 job
--       9 next run, ms; '' = stays  10 enabled of an added one: 'true' or 'false'
-- Returns 1 = saved, 0 = it exists already, or is not as seen, -1 = it is gone (nothing was changed). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'hash')
if bad then return bad end
local listed, stored = redis.call('ZSCORE', KEYS[1], ARGV[1]), redis.call('EXISTS', KEYS[2]) == 1
if ARGV[2] == 'add' then
  if listed or stored then return 0 end
  redis.call('HSET', KEYS[2], 'enabled', ARGV[10])
else
  if not listed and not stored then return -1 end
  local seen = redis.call('HMGET', KEYS[2], 'cron', 'queue', 'job')
  for i = 1, 3 do
    if (seen[i] or '') ~= ARGV[2 + i] then return 0 end
  end
end
redis.call('HSET', KEYS[2], 'id', ARGV[1], 'cron', ARGV[6], 'queue', ARGV[7], 'job', ARGV[8])
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[2], 'nextRun', ARGV[9])
  redis.call('ZADD', KEYS[1], ARGV[9], ARGV[1])
end
return 1
