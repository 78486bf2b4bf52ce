-- The oldest alert of the outbox, noted for every channel that it is to go to, and taken out, in one step.
-- KEYS  1 lease  2 outbox (list)  3 alerts on their way (hash)  4 undelivered alerts (list)
-- ARGV  1 token of the lease  2 the alert as it was read  3 its field  4 its text in the hash
--       5 entry for the undelivered ones, '' for none  6 how many of these are kept  7 state of a channel that was not tried yet  then fields of channels
-- Returns 1; 0: another one is the oldest by now; -1: the lease is somebody else's. Nothing was changed then.
local bad = holds(KEYS[2], 'list') or holds(KEYS[3], 'hash') or holds(KEYS[4], 'list')
if bad then return bad end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('LINDEX', KEYS[2], -1) ~= ARGV[2] then return 0 end
if #ARGV > 7 then
  redis.call('HSETNX', KEYS[3], ARGV[3], ARGV[4])
  -- What is known of a channel already stays: an alert that comes again is not sent again.
  for i = 8, #ARGV do redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[7]) end
end
if ARGV[5] ~= '' then
  redis.call('LPUSH', KEYS[4], ARGV[5])
  redis.call('LTRIM', KEYS[4], 0, ARGV[6] - 1)
end
redis.call('RPOP', KEYS[2])
return 1
