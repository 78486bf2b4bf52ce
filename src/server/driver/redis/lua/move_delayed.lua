-- Moves delayed jobs from a set that nobody reads to another one, with their times and payloads unchanged.
-- KEYS  1 delayed set that nobody reads  2 delayed set
-- ARGV  1 how many at most  2 byte budget
-- Returns {moved, left because the other set has the same element}. An error: nothing was changed.
local bad = holds(KEYS[1], 'zset') or holds(KEYS[2], 'zset')
if bad then return bad end
local moved, skip, budget = 0, 0, tonumber(ARGV[2])
while moved < tonumber(ARGV[1]) and skip < 100 and budget > 0 do
  local first = redis.call('ZRANGE', KEYS[1], skip, skip, 'WITHSCORES')
  if #first == 0 then break end
  budget = budget - #first[1]
  -- NX: two equal elements would become one, which is a lost job.
  if redis.call('ZADD', KEYS[2], 'NX', first[2], first[1]) == 1 then
    redis.call('ZREM', KEYS[1], first[1])
    moved = moved + 1
  else
    skip = skip + 1
  end
end
return { moved, skip }
