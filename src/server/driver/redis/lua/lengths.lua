-- How long lists are.
-- KEYS  lists, at most 250
-- Returns a length for each; -1: the key holds no list.
local lengths = {}
for i = 1, #KEYS do
  local length = redis.pcall('LLEN', KEYS[i])
  lengths[i] = type(length) == 'number' and length or -1
end
return lengths
