-- Frames of the figures over time, written by whoever holds the lease, each second once.
-- KEYS  1 lease  2 mark (the last second written)  then keys of frames  then keys of counters
-- ARGV  1 token of the lease  2 its time to live in ms  3 mark that the writer goes on from  4 new mark  5 how many frames
--       6 time to live of the mark in s  then for each frame: text, time to live in s  then for each counter: how many, time to live in s
-- Returns the mark. -1: the lease is somebody else's, nothing was written. Another mark than ARGV 3 before: nothing was written either.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local mark, frames = tonumber(redis.call('GET', KEYS[2]) or ARGV[3]), tonumber(ARGV[5])
if mark ~= tonumber(ARGV[3]) then return mark end
for i = 3, #KEYS do
  local value, ttl = ARGV[2 * i + 1], ARGV[2 * i + 2]
  if i - 2 <= frames then redis.call('SET', KEYS[i], value, 'EX', ttl)
  else redis.pcall('INCRBY', KEYS[i], value); redis.call('EXPIRE', KEYS[i], ttl) end
end
redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[6])
return tonumber(ARGV[4])
