-- How far an alert is on one channel, written over exactly what was known.
-- KEYS  1 lease  2 alerts on their way (hash)
-- ARGV  1 token of the lease, '' when it does not matter  2 field of the channel  3 its state as it was  4 its state from now on
-- Returns 1; 0: another state by now; -1: the lease is somebody else's. Nothing was changed then.
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 1
