-- Reads a list towards position 0, as far as a search looks into its elements. Positions count from the end at which jobs
-- leave, so that a push moves nothing, and what leaves moves the rest towards 0, where it is still to be read.
-- KEYS  1 list
-- ARGV  1 the last position read ('' = none yet: begin at the highest)  2 'tail' or 'head'  3 count  4 byte budget
--       5 digest of the element at that position ('' = do not check)  6 text that is wanted ('' = any): an element without it
--       comes as its length alone, unless it is the last one read
-- Returns {length (-1 = not a list), position of the first row, rows {bytes, head, tail}…}: rows towards 0; the position is -2
-- when the element with that digest has moved (nothing was read: find it).
local WHOLE_TEXT, HEAD_TEXT, TAIL_TEXT = 65536, 57344, 8192
local length = redis.pcall('LLEN', KEYS[1])
if type(length) ~= 'number' then return { -1, -1 } end
local fromHead, count, budget = ARGV[2] == 'head', tonumber(ARGV[3]), tonumber(ARGV[4])
local at = length - 1
if ARGV[1] ~= '' then
  local seen = tonumber(ARGV[1])
  if ARGV[5] ~= '' then
    local raw = redis.call('LINDEX', KEYS[1], fromHead and seen or -seen - 1)
    if not raw or digest(raw) ~= ARGV[5] then return { length, -2 } end
  end
  at = math.min(at, seen - 1)
end
local rows, run, last = { length, at }, 1, nil
local function row(raw)
  if #raw <= WHOLE_TEXT then return { #raw, raw, '' } end
  return { #raw, raw:sub(1, HEAD_TEXT), raw:sub(-TAIL_TEXT) }
end
while at >= 0 and count > 0 and budget > 0 do
  local low = math.max(at - math.min(run, count) + 1, 0)
  local raws
  if fromHead then raws = redis.call('LRANGE', KEYS[1], low, at)
  else raws = redis.call('LRANGE', KEYS[1], -at - 1, -low - 1) end
  local largest = 1
  for i = 1, #raws do
    local raw = fromHead and raws[#raws + 1 - i] or raws[i]
    largest = math.max(largest, #raw)
    budget = budget - #raw
    last = raw
    if ARGV[6] ~= '' and not raw:find(ARGV[6], 1, true) then rows[#rows + 1] = { #raw }
    else rows[#rows + 1] = row(raw) end
  end
  count = count - #raws
  at = low - 1
  run = math.max(1, math.min(run * 2, 32, math.floor(262144 / largest)))
end
if last then rows[#rows] = row(last) end
return rows
