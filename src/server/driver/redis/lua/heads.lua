-- Which queue the first job behind each busy group names.
-- KEYS  pending lists, at most 200
-- ARGV  1 byte budget
-- Returns one text a list: data.properties.queueName, '' = unknown, '?' = not looked at, the budget was spent.
local budget, names = tonumber(ARGV[1]), {}
local function decode(text)
  local ok, value = pcall(cjson.decode, text)
  return ok and type(value) == 'table' and value or {}
end
for i = 1, #KEYS do
  local name = '?'
  if budget > 0 then
    name = ''
    local raw = redis.pcall('LINDEX', KEYS[i], 0)
    if type(raw) == 'string' then
      budget = budget - #raw
      if #raw <= 65536 then
        local data = decode(raw).data
        if type(data) == 'string' then data = decode(data) end
        local properties = type(data) == 'table' and data.properties
        local queue = type(properties) == 'table' and properties.queueName
        if type(queue) == 'string' then name = queue end
      end
    end
  end
  names[i] = name
end
return names
