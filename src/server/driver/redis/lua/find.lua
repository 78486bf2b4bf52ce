-- Finds elements of a list that contain a text (a quoted job id); the console checks them closely.
-- KEYS  1 list
-- ARGV  1 text  2 from  3 to (positions)  4 'tail' or 'head'  5 byte budget
-- Returns {next position, {position, bytes, head, tail}…}, at most 20 matches.
local rows = {}
local stop = each(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == 'head', tonumber(ARGV[5]), function(at, raw)
  if raw:find(ARGV[1], 1, true) then
    local e = element(raw)
    rows[#rows + 1] = { at, e[1], e[2], e[3] }
    return #rows == 20
  end
end)
table.insert(rows, 1, stop)
return rows
