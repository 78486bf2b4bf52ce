-- Pushes one job into its waiting list as the library does; once for a request, however often that is sent.
-- KEYS  1 note of the request  2 waiting list  3 set of active groups  4 pending list of the job's group
--       5 note of the failure that is pushed, written whatever it holds; absent: none
-- ARGV  1 payload  2 group id or ''  3 seconds for which the request is remembered  4 the same of the failure
-- Returns 1 = pushed, 0 = this request was carried out before (nothing pushed). An error: nothing was changed.
local bad = holds(KEYS[1], 'string') or holds(KEYS[2], 'list')
if not bad and KEYS[5] then bad = holds(KEYS[5], 'string') end
if not bad and ARGV[2] ~= '' then bad = holds(KEYS[3], 'set') or holds(KEYS[4], 'list') end
if bad then return bad end
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3]) then return 0 end
if KEYS[5] then redis.call('SET', KEYS[5], '1', 'EX', ARGV[4]) end
if ARGV[2] ~= '' and redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then
  redis.call('RPUSH', KEYS[4], ARGV[1])
else
  if ARGV[2] ~= '' then redis.call('SADD', KEYS[3], ARGV[2]) end
  redis.call('LPUSH', KEYS[2], ARGV[1])
end
return 1
