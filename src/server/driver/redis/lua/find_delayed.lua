-- Like find.lua, for a run of ranks of a sorted set.
-- KEYS  1 sorted set
-- ARGV  1 from  2 to (ranks)  3 byte budget  4… texts
-- Returns {next rank, {rank, score, bytes, head, tail}…}, at most 20 matches.
local rows, at, read = {}, tonumber(ARGV[1]), 0
while at <= tonumber(ARGV[2]) and read < tonumber(ARGV[3]) and #rows < 20 do
  local pair = redis.call('ZRANGE', KEYS[1], at, at, 'WITHSCORES')
  if #pair == 0 then at = tonumber(ARGV[2]) + 1 break end
  read = read + #pair[1]
  if contains(pair[1], 4) then
    local e = element(pair[1])
    rows[#rows + 1] = { at, pair[2], e[1], e[2], e[3] }
  end
  at = at + 1
end
table.insert(rows, 1, at)
return rows
