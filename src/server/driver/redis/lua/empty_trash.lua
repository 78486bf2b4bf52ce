-- Empties and forgets a trash entry whose hour is over. UNLINK frees what is big beside the main thread.
-- KEYS  1 set of trash entries  2 entry  3 its items  then its lists
-- ARGV  1 id  2 now, epoch ms
-- Returns 1 = it is gone, 0 = its hour began anew (nothing was changed).
local expires = redis.call('ZSCORE', KEYS[1], ARGV[1])
if expires and tonumber(expires) > tonumber(ARGV[2]) then return 0 end
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
