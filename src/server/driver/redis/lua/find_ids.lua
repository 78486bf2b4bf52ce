-- Finds elements that say one of many ids: read once, however many are asked for. The console checks them closely.
-- KEYS  1 list, or sorted set
-- ARGV  1 from  2 to (positions)  3 byte budget  4 'tail', 'head' or 'scored'
--       5… how an id may begin in a payload: from its opening quote to the first quote or backslash behind that; a number, whole
-- Returns {next position, {position, score (of a sorted set alone), bytes, head, tail}…}, at most 20 matches.
local wanted = {}
for n = 5, #ARGV do wanted[ARGV[n]] = true end

-- No part of an element is looked at for two of them, or one made of `{"id":` alone would take seconds.
local function says(raw)
  local at = 1
  while true do
    local _, stop = raw:find('"id"', at, true)
    if not stop then return false end
    local begins = raw:match('^%s*:%s*("[^"\\]*)', stop + 1) or raw:match('^%s*:%s*(%-?%d[%w.+-]*)', stop + 1)
    if begins and wanted[begins] then return true end
    at = stop + 1
  end
end

local rows, from, to, budget, stop = {}, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), nil
local function visit(at, raw, score)
  if not says(raw) then return false end
  local e = element(raw)
  if score then table.insert(e, 1, score) end
  table.insert(e, 1, at)
  rows[#rows + 1] = e
  return #rows == 20
end
if ARGV[4] == 'scored' then
  local read = 0
  stop = from
  while stop <= to and read < budget do
    local pair = redis.call('ZRANGE', KEYS[1], stop, stop, 'WITHSCORES')
    if #pair == 0 then stop = to + 1 break end
    read, stop = read + #pair[1], stop + 1
    if visit(stop - 1, pair[1], pair[2]) then break end
  end
else
  stop = each(KEYS[1], from, to, ARGV[4] == 'head', budget, visit)
end
table.insert(rows, 1, stop)
return rows
