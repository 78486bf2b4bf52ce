-- Moves the jobs that run next in one waiting list to the end of another one, payloads unchanged.
-- KEYS  1 list that nobody reads  2 waiting list
-- ARGV  1 how many at most  2 byte budget
-- Returns how many were moved. An error: nothing was changed.
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list')
if bad then return bad end
local moved, budget = 0, tonumber(ARGV[2])
while moved < tonumber(ARGV[1]) and budget > 0 do
  -- One step: a job is in one of the two lists at any moment, in the order in which it would have run.
  local raw = redis.call('RPOPLPUSH', KEYS[1], KEYS[2])
  if not raw then break end
  budget = budget - #raw
  moved = moved + 1
end
return moved
