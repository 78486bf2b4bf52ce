-- One page over the delayed sets of a queue merged by due time, at any depth.
-- KEYS  the sorted sets, in the order in which workers look
-- ARGV  1 offset  2 count  3 byte budget  4 'newest' = the offset counts from the end
-- Returns {lengths (-1 = not a sorted set), rows {set, rank, score, bytes, head, tail}, offset, count}: soonest first, offset
-- and count as from the beginning; fewer rows than count when the budget ends. Equal scores follow the order of KEYS.
local offset, count, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local lengths, sets, total = {}, {}, 0
for i = 1, #KEYS do
  local n = redis.pcall('ZCARD', KEYS[i])
  lengths[i] = type(n) == 'number' and n or -1
  if lengths[i] > 0 then
    sets[#sets + 1] = { key = KEYS[i], set = i, at = 0, n = lengths[i] }
    total = total + n
  end
end
if ARGV[4] == 'newest' then
  local last = math.max(total - offset, 0)
  offset = math.max(last - count, 0)
  count = last - offset
end
if offset >= total or count == 0 then return { lengths, {}, offset, 0 } end
count = math.min(count, total - offset)

-- Numbers as Redis reads them back, bit for bit.
local function text(score) return ('%.17g'):format(score) end

local function upTo(score)
  local n = 0
  for _, s in ipairs(sets) do n = n + redis.call('ZCOUNT', s.key, '-inf', text(score)) end
  return n
end

-- The due time of the element at `offset` in the merged order, by counting alone: members may be of any size. Widens from 0 to
-- either side until the place lies in between, then halves until the two ends are neighbours.
local function due()
  if upTo(-math.huge) > offset then return -math.huge end
  local low, high
  if upTo(0) > offset then
    low, high = -1, 0
    while upTo(low) > offset do
      low, high = low * 1048576, low
      if low == -math.huge then low = -1.7976931348623157e308 break end
    end
    if upTo(low) > offset then return low end
  else
    low, high = 0, 1048576
    while upTo(high) <= offset do
      if high == math.huge then return high end
      low, high = high, high * 1048576
    end
    if high == math.huge then high = 1.7976931348623157e308 end
    if upTo(high) <= offset then return math.huge end
  end
  while true do
    local middle = low / 2 + high / 2
    if middle <= low or middle >= high then return high end
    if upTo(middle) > offset then high = middle else low = middle end
  end
end

if #sets == 1 then
  sets[1].at = math.min(offset, sets[1].n)
else
  -- Of those due at that very time, the ones in sets that workers look at first stand first.
  local at, left = text(due()), offset
  for _, s in ipairs(sets) do
    s.at = redis.call('ZCOUNT', s.key, '-inf', '(' .. at)
    left = left - s.at
  end
  for _, s in ipairs(sets) do
    local equal = math.min(left, redis.call('ZCOUNT', s.key, at, at))
    s.at, left = s.at + equal, left - equal
  end
end

local rows = {}
while #rows < count and budget > 0 do
  local best
  for _, s in ipairs(sets) do
    if s.at < s.n then
      if not s.head then s.head = redis.call('ZRANGE', s.key, s.at, s.at, 'WITHSCORES') end
      -- Sets come in the order of KEYS, so of equal scores the earlier set stays.
      if not best or tonumber(s.head[2]) < tonumber(best.head[2]) then best = s end
    end
  end
  if not best then break end
  local e = element(best.head[1])
  rows[#rows + 1] = { best.set, best.at, best.head[2], e[1], e[2], e[3] }
  budget = budget - e[1]
  best.at = best.at + 1; best.head = nil
end
return { lengths, rows, offset, count }
