-- Which groups have a job in these waiting lists. Reads only. Behind element.lua.
-- KEYS  waiting lists
-- ARGV  1 index of the list to begin with  2 position in it, from the head (a pop moves nothing, a push brings back what was read)
--       3 byte budget
-- Returns {index, position, elements looked at, group id as it stands in JSON…}: where to go on; index 0 = all were looked at.
local i, at, budget, looked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local ids, rows = {}, { 0, 0, 0 }
local function note(raw)
  local from, found = 1, nil
  while true do
    -- Plain first: a pattern tries at every letter.
    local _, last = raw:find('"groupId"', from, true)
    if not last then return end
    found = raw:match('^%s*:%s*("[^"]*")', last + 1) or raw:match('^%s*:%s*([%d.eE+-]+)', last + 1)
    if found and not ids[found] then
      ids[found] = true
      rows[#rows + 1] = found
    end
    from = last + 1
  end
end
while i <= #KEYS do
  if redis.call('TYPE', KEYS[i]).ok == 'list' then
    local last = redis.call('LLEN', KEYS[i]) - 1
    if at <= last then
      at = each(KEYS[i], at, last, true, budget, function(_, raw)
        -- 64: what asking for an element costs, however small it is.
        budget = budget - #raw - 64
        looked = looked + 1
        note(raw)
        return budget <= 0
      end)
      if at <= last then
        rows[1], rows[2], rows[3] = i, at, looked
        return rows
      end
    end
  end
  i, at = i + 1, 0
  -- A key costs something, too.
  budget = budget - 128
  if budget <= 0 and i <= #KEYS then
    rows[1], rows[2], rows[3] = i, 0, looked
    return rows
  end
end
rows[3] = looked
return rows
