-- A few elements of many lists and sets. Reads only. Behind element.lua.
-- KEYS  lists and sorted sets
-- ARGV  1 how many of each end  2 byte budget
-- Returns for each key {length, {bytes, head, tail}…}, fewer keys when the budget was spent; length -1: neither a list nor a set.
local most, budget, answer = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 1, #KEYS do
  if budget <= 0 then break end
  local kind = redis.call('TYPE', KEYS[i]).ok
  local rows = { 0 }
  local function add(raw)
    budget = budget - #raw - 64
    rows[#rows + 1] = element(raw)
    return budget <= 0
  end
  if kind == 'list' then
    rows[1] = redis.call('LLEN', KEYS[i])
    each(KEYS[i], 0, most - 1, false, budget, function(_, raw) return add(raw) end)
    -- The other end, as far as it is not the same elements.
    local others = math.min(most, rows[1] - most)
    if others > 0 and budget > 0 then each(KEYS[i], 0, others - 1, true, budget, function(_, raw) return add(raw) end) end
  elseif kind == 'zset' then
    rows[1] = redis.call('ZCARD', KEYS[i])
    for at = 0, most - 1 do
      local first = redis.call('ZRANGE', KEYS[i], at, at)
      if #first == 0 or add(first[1]) then break end
    end
  elseif kind ~= 'none' then
    rows[1] = -1
  end
  answer[i] = rows
end
return answer
