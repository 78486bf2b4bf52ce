-- Finds again elements that stood next to each other in a list that has moved since, nearest to where they stood first. Positions
-- count from the tail.
-- KEYS  1 list
-- ARGV  1 position of the first  2 from, 3 to: how far they may have moved  4 'down' (towards the tail) or 'up'  5 byte budget
--       6… digests, each of the element below the one before
-- One of them is enough, as others may have been taken; of several the highest counts.
-- Returns {its position, which of them (from 0)}; {next distance} when there is none up to there; {}: nor any farther that way.
local first, distance, down, count = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4] == 'down', #ARGV - 5
local length, known, run, read = redis.call('LLEN', KEYS[1]), {}, 1, 0
if length == 0 then return {} end

local function at(position)
  if position < 0 or position >= length then return nil end
  if not known[position] then
    local low, high, largest = position, position, 1
    if down then low = math.max(position - run + 1, 0) else high = math.min(position + run - 1, length - 1) end
    for i, raw in ipairs(redis.call('LRANGE', KEYS[1], -high - 1, -low - 1)) do
      known[high + 1 - i] = digest(raw)
      largest = math.max(largest, #raw)
      read = read + #raw
    end
    run = longer(run, 32, largest)
  end
  return known[position]
end

-- The list may be shorter by now than the place where they stood.
if down then distance = math.max(distance, first - count + 2 - length) end
while distance <= tonumber(ARGV[3]) and read < tonumber(ARGV[5]) do
  local top = down and first - distance or first + distance
  if down and top < 0 or not down and top - count + 1 >= length then return {} end
  for i = 0, count - 1 do
    if at(top - i) == ARGV[6 + i] then
      -- Where one between them was taken, those above it are nearer.
      for position = top, top - i + 1, -1 do
        for k = 0, i - 1 do
          if at(position) == ARGV[6 + k] then return { position, k } end
        end
      end
      return { top - i, i }
    end
  end
  distance = distance + 1
end
return { distance }
