-- Finds elements of a list that contain one of some texts (a job id, in each way of writing it); the console checks them closely.
-- KEYS  1 list
-- ARGV  1 from  2 to (positions)  3 byte budget  4 'tail' or 'head'  5… texts
-- Returns {next position, {position, bytes, head, tail}…}, at most 20 matches.
local rows = {}
local stop = each(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4] == 'head', tonumber(ARGV[3]), function(at, raw)
  if contains(raw, 5) then
    local e = element(raw)
    rows[#rows + 1] = { at, e[1], e[2], e[3] }
    return #rows == 20
  end
end)
table.insert(rows, 1, stop)
return rows
