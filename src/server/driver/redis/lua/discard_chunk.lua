-- Takes the last elements of a waiting list into the trash, all or none of them. For jobs without a group: the others go one
-- by one (discard.lua).
-- KEYS  1 list  2 trash items
-- ARGV  1 mark  2 how many elements at the tail stay (before these)  3 trash TTL, s  4 what stands before the raw element in
--       a trash item  then the raw elements, tail first
-- Returns 1, or 0 when the list's tail is no longer what was read (nothing was changed). An error: likewise.
local stay, n, items = tonumber(ARGV[2]), #ARGV - 4, {}
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list')
if bad then return bad end
local raws = redis.call('LRANGE', KEYS[1], -stay - n, -stay - 1)
if #raws ~= n then return 0 end
for i = 1, n do
  if raws[n + 1 - i] ~= ARGV[4 + i] then return 0 end
  items[i] = ARGV[4] .. ARGV[4 + i]
end
redis.call('LPUSH', KEYS[2], unpack(items))
redis.call('EXPIRE', KEYS[2], ARGV[3])
if stay == 0 then
  redis.call('LTRIM', KEYS[1], 0, -n - 1)
  return 1
end
for i = 1, n do redis.call('LSET', KEYS[1], -stay - i, ARGV[1]) end
redis.call('LREM', KEYS[1], -n, ARGV[1])
return 1
