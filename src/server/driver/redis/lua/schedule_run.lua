-- Pushes the job of a schedule now, once for a request; its next run stays as it is.
-- KEYS  1 hash of the schedule  2 list (or delayed set) of the queue  3 note of the request
-- ARGV  1 queue as read  2 job as read  3 payload  4 due time in the delayed set, or ''  5 seconds for which the request is remembered
-- Returns 1 = pushed, 2 = this request was carried out before, 0 = not as read, -1 = it is gone (nothing was changed).
-- An error: nothing was changed.
local bad = holds(KEYS[1], 'hash') or holds(KEYS[2], ARGV[4] == '' and 'list' or 'zset') or holds(KEYS[3], 'string')
if bad then return bad end
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local queue, job = unpack(redis.call('HMGET', KEYS[1], 'queue', 'job'))
if queue ~= ARGV[1] or job ~= ARGV[2] then return 0 end
if not redis.call('SET', KEYS[3], '1', 'NX', 'EX', ARGV[5]) then return 2 end
if ARGV[4] == '' then
  redis.call('LPUSH', KEYS[2], ARGV[3])
else
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
end
return 1
