-- Reads a delayed set from the latest job on, as far as a search looks into its members.
-- KEYS  1 sorted set
-- ARGV  1 score of the last one read ('' = none yet)  2 how many of this score were read  3 count  4 byte budget
--       5 digest of the last one read  6 text that is wanted, as in scan.lua
-- Returns {length (-1 = not a sorted set), rank of the first row, rows {score, bytes,
-- head, tail}…}: falling ranks. Members of one score may come and go: where the last one has moved, it is looked for.
local WHOLE_TEXT, HEAD_TEXT, TAIL_TEXT = 65536, 57344, 8192
local length = redis.pcall('ZCARD', KEYS[1])
if type(length) ~= 'number' then return { -1, -1 } end
local count, budget, at = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
if ARGV[1] ~= '' then
  local above, skip = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf'), tonumber(ARGV[2])
  local function is(place)
    local member = redis.call('ZREVRANGE', KEYS[1], above + place, above + place, 'WITHSCORES')
    return member[1] and tonumber(member[2]) == tonumber(ARGV[1]) and digest(member[1]) == ARGV[5]
  end
  if skip > 0 and not is(skip - 1) then
    local found
    for d = 1, 100 do
      if skip - 1 - d >= 0 and is(skip - 1 - d) then found = skip - d
      elseif is(skip - 1 + d) then found = skip + d end
      if found then break end
    end
    -- Gone itself: rather read some again than pass one over.
    skip = found or math.max(0, skip - 100)
  end
  at = above + skip
end
local rows, run, last = { length, length - 1 - at }, 1, nil
local function row(score, raw)
  if #raw <= WHOLE_TEXT then return { score, #raw, raw, '' } end
  return { score, #raw, raw:sub(1, HEAD_TEXT), raw:sub(-TAIL_TEXT) }
end
while at < length and count > 0 and budget > 0 do
  local part = redis.call('ZREVRANGE', KEYS[1], at, at + math.min(run, count) - 1, 'WITHSCORES')
  if #part == 0 then break end
  local largest = 1
  for i = 1, #part, 2 do
    local raw = part[i]
    largest = math.max(largest, #raw)
    budget = budget - #raw
    last = row(part[i + 1], raw)
    if ARGV[6] ~= '' and not raw:find(ARGV[6], 1, true) then rows[#rows + 1] = { part[i + 1], #raw }
    else rows[#rows + 1] = last end
  end
  at = at + #part / 2
  count = count - #part / 2
  run = math.max(1, math.min(run * 2, 32, math.floor(262144 / largest)))
end
if last then rows[#rows] = last end
return rows
