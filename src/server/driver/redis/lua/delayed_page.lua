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

-- How many elements of the merged order stand before the one of this rank: those of other sets that are due earlier, or at
-- the same time but in a set that workers look at first.
local function before(s, rank)
  local score, n = redis.call('ZRANGE', s.key, rank, rank, 'WITHSCORES')[2], rank
  for _, other in ipairs(sets) do
    if other.set < s.set then n = n + redis.call('ZCOUNT', other.key, '-inf', score)
    elseif other.set > s.set then n = n + redis.call('ZCOUNT', other.key, '-inf', '(' .. score) end
  end
  return n
end

-- Of each set, as many elements lie before the page as stand before `offset` in the merged order: found by bisection.
for _, s in ipairs(sets) do
  local low, high = 0, s.n
  if #sets == 1 then low, high = math.min(offset, s.n), math.min(offset, s.n) end
  while low < high do
    local mid = math.floor((low + high) / 2)
    if before(s, mid) < offset then low = mid + 1 else high = mid end
  end
  s.at = low
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
