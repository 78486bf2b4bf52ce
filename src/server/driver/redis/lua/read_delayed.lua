-- Raw elements of a delayed set that are not due, latest first, as many as fit.
-- KEYS  1 delayed set
-- ARGV  1 lowest score, exclusive, or '-inf'  2 how many to skip  3 count  4 byte budget
-- Returns the raw elements.
local raws, read, skip = {}, 0, tonumber(ARGV[2])
local low = ARGV[1] == '-inf' and ARGV[1] or '(' .. ARGV[1]
local run = 1
while #raws < tonumber(ARGV[3]) and read < tonumber(ARGV[4]) do
  local part = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', low, 'LIMIT', skip, run)
  local largest = 1
  for _, raw in ipairs(part) do
    raws[#raws + 1] = raw; read = read + #raw; largest = math.max(largest, #raw)
  end
  if #part < run then break end
  skip = skip + run
  run = math.max(1, math.min(run * 2, 32, tonumber(ARGV[3]) - #raws, math.floor(262144 / largest)))
end
return raws
