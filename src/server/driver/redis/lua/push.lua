-- Pushes one job into its waiting list as the library does; once for a request, however often that is sent.
-- KEYS  1 note of the request  2 waiting list  3 set of active groups  4 pending list of the job's group
--       5 absent: nothing more. Of a click: note of the failure that is pushed. Of one of many: set of the ids that were pushed
-- ARGV  1 payload  2 group id or ''  3 seconds for which the request is remembered  4 the same of KEYS[5]
--       5 of a click: when what it acts on was seen, epoch ms by the clock of Redis; '' is five seconds ago. A later note of the failure
--       says that it was pushed since  6 of one of many: its id, for the set, which may be ''  7 'click' or 'many'
-- A note holds when it was made, epoch ms by the clock of Redis.
-- Returns 1 = pushed, 0 = this request was carried out before, 2 = the failure was pushed since (nothing pushed).
-- An error: nothing was changed.
local bad = holds(KEYS[1], 'string') or holds(KEYS[2], 'list')
if not bad and KEYS[5] then bad = holds(KEYS[5], ARGV[7] == 'click' and 'string' or 'set') end
if not bad and ARGV[2] ~= '' then bad = holds(KEYS[3], 'set') or holds(KEYS[4], 'list') end
if bad then return bad end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local click = KEYS[5] and ARGV[7] == 'click'
-- The same click is told as that, whatever was pushed since.
if click and redis.call('EXISTS', KEYS[1]) == 0 then
  local pushed = tonumber(redis.call('GET', KEYS[5]) or '')
  if pushed and pushed > (tonumber(ARGV[5]) or now - 5000) then return 2 end
end
local made = string.format('%.0f', now)
if not redis.call('SET', KEYS[1], made, 'NX', 'EX', ARGV[3]) then return 0 end
if click then
  redis.call('SET', KEYS[5], made, 'EX', ARGV[4])
elseif KEYS[5] then
  redis.call('SADD', KEYS[5], ARGV[6])
  redis.call('EXPIRE', KEYS[5], ARGV[4])
end
if ARGV[2] ~= '' and redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then
  redis.call('RPUSH', KEYS[4], ARGV[1])
else
  if ARGV[2] ~= '' then redis.call('SADD', KEYS[3], ARGV[2]) end
  redis.call('LPUSH', KEYS[2], ARGV[1])
end
return 1
