-- One page over lists laid end to end, in the order in which workers take the jobs.
-- KEYS  the lists, first taken first
-- ARGV  1 offset  2 count  3 'tail' (next job is the last element) or 'head'  4 byte budget
--       5 'newest' = the offset counts from the end of the sequence  6 'due' = also count, per list, the due jobs of its
--       delayed set (the second half of KEYS)  7 now, epoch ms  8 how many of these to show, per list that begins on the page
-- Returns {lengths (-1 = not a list), due counts, rows {list, position, bytes, head, tail}, offset, count, due rows {list,
-- rank, score, bytes, head, tail}}: always in taking order, offset and count as from its beginning; fewer rows than count
-- when the budget ends: call again with them moved on. Due rows have a quarter of the budget for themselves.
local lists = #KEYS
if ARGV[6] == 'due' then lists = lists / 2 end
local offset, count, fromHead, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == 'head', tonumber(ARGV[4])
local lengths, due, rows, dueRows, dueBudget = {}, {}, {}, {}, tonumber(ARGV[4]) / 4
for i = 1, lists do
  local n = redis.pcall('LLEN', KEYS[i])
  lengths[i] = type(n) == 'number' and n or -1
  if ARGV[6] == 'due' then
    local d = redis.pcall('ZCOUNT', KEYS[lists + i], '-inf', ARGV[7])
    due[i] = type(d) == 'number' and d or 0
  end
end
local base, open, total = 0, true, 0
for i = 1, lists do total = total + math.max(lengths[i], 0) end
if ARGV[5] == 'newest' then
  local last = math.max(total - offset, 0)
  offset = math.max(last - count, 0)
  count = last - offset
end
count = math.min(count, math.max(total - offset, 0))
local function showDue(i)
  local at, run, last = 0, 1, math.min(due[i] or 0, tonumber(ARGV[8]))
  while at < last and dueBudget > 0 do
    local part = redis.call('ZRANGEBYSCORE', KEYS[lists + i], '-inf', ARGV[7], 'WITHSCORES', 'LIMIT', at, math.min(run, last - at))
    local largest = 1
    for k = 1, #part, 2 do
      local e = element(part[k])
      dueBudget, largest = dueBudget - e[1], math.max(largest, e[1])
      dueRows[#dueRows + 1] = { i, at, part[k + 1], e[1], e[2], e[3] }
      at = at + 1
    end
    run = longer(run, 32, largest)
  end
end
for i = 1, lists do
  local n = math.max(lengths[i], 0)
  if base < offset + count or total <= offset + count then showDue(i) end
  local from = math.max(offset - base, 0)
  local to = math.min(offset + count - base, n) - 1
  if from <= to and budget <= 0 then open = false end
  if open and from <= to then
    local stop = each(KEYS[i], from, to, fromHead, budget, function(at, raw)
      local e = element(raw)
      budget = budget - e[1]
      rows[#rows + 1] = { i, at, e[1], e[2], e[3] }
    end)
    if stop <= to then open = false end
  end
  base = base + n
end
return { lengths, due, rows, offset, count, dueRows }
