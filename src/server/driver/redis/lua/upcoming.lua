-- Payloads that run next, so that a run can be told by its id. Reads only. Behind element.lua.
-- KEYS  waiting lists, then delayed sets
-- ARGV  1 how many of KEYS are lists  2 how many payloads of each  3 due until (epoch ms)  4 byte budget of all
-- Returns for each key what runs next, as {raw, score or ''} with raw = '' for more than 64 kB; fewer keys when the budget was spent.
local lists, most, budget, answer = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4]), {}
local function fits(raw) if #raw <= 65536 then return raw end return '' end
for i = 1, #KEYS do
  if budget <= 0 then break end
  local found = {}
  if i <= lists then
    if redis.call('TYPE', KEYS[i]).ok == 'list' then
      each(KEYS[i], 0, most - 1, false, budget, function(_, raw)
        budget = budget - #raw
        found[#found + 1] = { fits(raw), '' }
      end)
    end
  elseif redis.call('TYPE', KEYS[i]).ok == 'zset' then
    local skip, run = 0, 1
    while skip < most and budget > 0 do
      local part = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', ARGV[3], 'WITHSCORES', 'LIMIT', skip, run)
      local largest = 1
      for j = 1, #part, 2 do
        budget = budget - #part[j]
        largest = math.max(largest, #part[j])
        found[#found + 1] = { fits(part[j]), part[j + 1] }
      end
      if #part < 2 * run then break end
      skip = skip + run
      run = math.max(1, math.min(run * 2, most - skip, math.floor(262144 / largest)))
    end
  end
  answer[i] = found
end
return answer
