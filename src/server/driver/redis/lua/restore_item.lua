-- Puts one discarded element back: the first of the trash's items but those that stay, which went in last, so that order is
-- restored as well.
-- KEYS  1 trash items  2 where it came from  3 set of active groups  4 pending list of its group
--       5 note of handles that acted on it a moment ago (acted.lua): of what went back to a list nothing is noted any more
-- ARGV  1 trash item  2 raw element  3 'tail' | 'head' | 'delayed' | 'group' (a waiting job goes through its group again)
--       4 score or group id  5 how many items before it stay  6 mark
-- Returns 1 = put back, 0 = another item is there now, 2 = an equal job is delayed already: of two equal members a set keeps one,
-- so this one stays in the trash. An error: nothing was changed.
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], ARGV[3] == 'delayed' and 'zset' or 'list')
if not bad and ARGV[3] == 'group' then bad = holds(KEYS[3], 'set') or holds(KEYS[4], 'list') end
if not bad and ARGV[3] ~= 'delayed' then bad = holds(KEYS[5], 'hash') end
if bad then return bad end
if redis.call('LINDEX', KEYS[1], ARGV[5]) ~= ARGV[1] then return 0 end
if ARGV[3] == 'delayed' then
  if redis.call('ZADD', KEYS[2], 'NX', ARGV[4], ARGV[2]) == 0 then return 2 end
elseif ARGV[3] == 'tail' then redis.call('RPUSH', KEYS[2], ARGV[2])
elseif ARGV[3] == 'head' then redis.call('LPUSH', KEYS[2], ARGV[2])
elseif redis.call('SISMEMBER', KEYS[3], ARGV[4]) == 1 then redis.call('RPUSH', KEYS[4], ARGV[2])
else
  redis.call('SADD', KEYS[3], ARGV[4])
  redis.call('LPUSH', KEYS[2], ARGV[2])
end
remove(KEYS[1], tonumber(ARGV[5]), true, ARGV[6])
if ARGV[3] ~= 'delayed' then redis.call('DEL', KEYS[5]) end
return 1
