-- Finds the element with a digest near a position of a list.
-- KEYS  1 list
-- ARGV  1 digest  2 from  3 to (positions)  4 'tail' or 'head'  5 byte budget
-- Returns {position, raw} of the first match, or {next position} when there is none up to there.
local found
local stop = each(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == 'head', tonumber(ARGV[5]), function(at, raw)
  if digest(raw) == ARGV[1] then
    found = { at, raw }
    return true
  end
end)
return found or { stop }
