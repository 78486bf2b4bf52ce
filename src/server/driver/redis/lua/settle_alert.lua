-- An alert that one channel has, or does not get any more.
-- KEYS  1 alerts on their way (hash)  2 undelivered alerts (list)
-- ARGV  1 field of the alert  2 field of the channel  3 entry for the undelivered ones, '' for none  4 how many of these are kept
--       then fields of the other channels
-- Returns 1; 0: it was settled before, and nothing was changed.
local bad = holds(KEYS[2], 'list')
if bad then return bad end
if redis.call('HDEL', KEYS[1], ARGV[2]) == 0 then return 0 end
local left = 0
for i = 5, #ARGV do left = left + redis.call('HEXISTS', KEYS[1], ARGV[i]) end
if left == 0 then redis.call('HDEL', KEYS[1], ARGV[1]) end
if ARGV[3] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[3])
  redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
end
return 1
