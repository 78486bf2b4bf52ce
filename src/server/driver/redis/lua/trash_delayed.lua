-- Renames a whole delayed set into the trash, except jobs that are due while a worker serves the queue.
-- KEYS  1 delayed set  2 its name in the trash
-- ARGV  1 what has a score up to this (epoch ms) is due, '' = no worker serves this queue: nothing is  2 trash TTL, s
-- Returns {how many went, how many due ones stayed}; {-1, due} = more than 200 are due, or more than 1 MB of them: take the
-- others one by one.
local bad = holds(KEYS[1], 'zset')
if bad then return bad end
-- The step is repeated after a lost connection: what went already must not be overwritten by what came since.
if redis.call('EXISTS', KEYS[2]) == 1 then return { redis.call('ZCARD', KEYS[2]), 0 } end
local n, due = redis.call('ZCARD', KEYS[1]), {}
if n == 0 then return { 0, 0 } end
if ARGV[1] ~= '' then
  local count = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1])
  if count > 200 then return { -1, count } end
  local bytes = 0
  for i = 0, count - 1 do
    local one = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', i, 1)
    bytes = bytes + #one[1]
    if bytes > 1048576 then return { -1, count } end
    due[#due + 1], due[#due + 2] = one[1], one[2]
  end
end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
for i = 1, #due, 2 do
  redis.call('ZADD', KEYS[1], due[i + 1], due[i])
  redis.call('ZREM', KEYS[2], due[i])
end
return { n - #due / 2, #due / 2 }
