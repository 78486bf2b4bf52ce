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

local function score(s, rank) return tonumber(redis.call('ZRANGE', s.key, rank, rank, 'WITHSCORES')[2]) end
local function text(x) return string.format('%.17g', x) end
local function before(s, x) return redis.call('ZCOUNT', s.key, '-inf', '(' .. text(x)) end

if #sets == 1 then
  sets[1].at = offset
elseif offset > 0 then
  -- Bisect for the due time at which the page begins: few elements lie between low and high then.
  local low, high = math.huge, -math.huge
  for _, s in ipairs(sets) do
    low = math.min(low, score(s, 0)); high = math.max(high, score(s, s.n - 1))
  end
  for _ = 1, 64 do
    local mid = low + (high - low) / 2
    if mid <= low or mid >= high then break end
    local n = 0
    for _, s in ipairs(sets) do n = n + before(s, mid) end
    if n <= offset then low = mid else high = mid end
  end
  local skip = offset
  for _, s in ipairs(sets) do s.at = before(s, low); skip = skip - s.at end
  -- What is left to skip has the score low exactly (or lies before high, when the two met): ties, set by set.
  for _, s in ipairs(sets) do
    local ties = math.min(redis.call('ZCOUNT', s.key, text(low), text(low)), skip)
    s.at = s.at + ties; skip = skip - ties
  end
  while skip > 0 do
    local best
    for _, s in ipairs(sets) do
      if s.at < s.n then
        local x = score(s, s.at)
        if not best or x < best.x then best = { s = s, x = x } end
      end
    end
    best.s.at = best.s.at + 1; skip = skip - 1
  end
end

local rows = {}
while #rows < count and budget > 0 do
  local best
  for _, s in ipairs(sets) do
    if s.at < s.n then
      if not s.head then s.head = redis.call('ZRANGE', s.key, s.at, s.at, 'WITHSCORES') end
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
