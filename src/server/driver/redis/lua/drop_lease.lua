-- Gives one's own lease back, so that another console need not wait for its end.
-- KEYS  1 lease
-- ARGV  1 token of the holder
-- Returns 1, or 0 when the lease is somebody else's or nobody's: nothing is changed then.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
