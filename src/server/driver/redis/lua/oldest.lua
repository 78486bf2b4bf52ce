-- Ages without payloads: when the last element of each list was created.
-- KEYS  waiting lists, at most 200
-- ARGV  1 byte budget
-- Returns one text a list: epoch ms, or '' = unknown (empty, not a list, no number, over 64 kB), '?' = not looked at, the budget was spent.
local budget, times = tonumber(ARGV[1]), {}
for i = 1, #KEYS do
  local at = '?'
  if budget > 0 then
    at = ''
    local raw = redis.pcall('LINDEX', KEYS[i], -1)
    if type(raw) == 'string' then
      budget = budget - #raw
      if #raw <= 65536 then
        local ok, job = pcall(cjson.decode, raw)
        if ok and type(job) == 'table' and type(job.createdAt) == 'number' then at = string.format('%.0f', job.createdAt) end
      end
    end
  end
  times[i] = at
end
return times
