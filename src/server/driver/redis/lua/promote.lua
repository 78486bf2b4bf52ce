-- Moves delayed jobs to their waiting list, now.
-- KEYS  1 delayed set  2 waiting list
-- ARGV  1 what has a score up to this (epoch ms) is due, '' = no worker serves this queue: nothing is  then pairs: raw element,
--       payload to push
-- Returns one code a pair: 1 = moved, 0 = gone, 2 = due (a worker takes it next: it ignores the reply of its ZREM, so
-- moving it could run it twice). An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'list')
if bad then return bad end
local codes, due = {}, tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local code = 1
  if not score then code = 0
  elseif due and tonumber(score) <= due then code = 2
  else
    redis.call('LPUSH', KEYS[2], ARGV[i + 1])
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
  codes[#codes + 1] = code
end
return codes
