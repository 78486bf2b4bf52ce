-- Digests of elements of a list from one downwards (towards the tail): of those next to it, then at twice the distance each time.
-- KEYS  1 list
-- ARGV  1 position of the first, from the tail  2 its digest  3 how many next to each other  4 byte budget
-- Returns {distance from the first, digest}…; nothing when the first one is not there.
local first, near, budget = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local length, distance, rows = redis.call('LLEN', KEYS[1]), 0, {}
while distance <= first and budget > 0 do
  -- Counted from the head, where these are nearer to.
  local at = math.max(length - 1 - first, 0) + distance
  local raw = redis.call('LRANGE', KEYS[1], at, at)[1]
  local hash = raw and digest(raw)
  if not raw or distance == 0 and hash ~= ARGV[2] then break end
  rows[#rows + 1] = { distance, hash }
  budget = budget - #raw
  distance = distance < near - 1 and distance + 1 or math.max(distance + 1, distance * 2)
end
return rows
