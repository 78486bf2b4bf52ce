-- Takes a lease that is free, or renews one's own.
-- KEYS  1 lease  2 number of the last turn
-- ARGV  1 token of the asker  2 time to live in ms  3 now, epoch ms
-- Returns the number of the holder's turn, larger than that of every turn before; 0: somebody else holds the lease. A turn is
-- numbered by the time it begins, so that the numbers also grow when Redis has lost the last one.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local turn = tonumber(redis.call('GET', KEYS[2])) or 0
if not holder then
  turn = math.max(turn + 1, tonumber(ARGV[3]))
  redis.call('SET', KEYS[2], string.format('%d', turn))
end
return turn
