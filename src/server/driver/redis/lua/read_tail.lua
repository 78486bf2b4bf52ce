-- Raw elements of a list from a position (from the tail, or the head) on, as many as fit.
-- KEYS  1 list
-- ARGV  1 from  2 count  3 'tail' or 'head'  4 byte budget
-- Returns the raw elements.
local raws, from = {}, tonumber(ARGV[1])
each(KEYS[1], from, from + tonumber(ARGV[2]) - 1, ARGV[3] == 'head', tonumber(ARGV[4]), function(_, raw)
  raws[#raws + 1] = raw
end)
return raws
