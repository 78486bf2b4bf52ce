-- Finds the element with a digest and score near a rank of a sorted set.
-- KEYS  1 sorted set
-- ARGV  1 digest  2 from  3 to (ranks)  4 score  5 byte budget
-- Returns {rank, raw} of the first match, or {next rank} when there is none up to there.
local at, read, run, score = tonumber(ARGV[2]), 0, 1, tonumber(ARGV[4])
while at <= tonumber(ARGV[3]) and read < tonumber(ARGV[5]) do
  local part = redis.call('ZRANGE', KEYS[1], at, math.min(at + run - 1, tonumber(ARGV[3])), 'WITHSCORES')
  if #part == 0 then return { tonumber(ARGV[3]) + 1 } end
  local largest = 1
  for i = 1, #part, 2 do
    if tonumber(part[i + 1]) == score and digest(part[i]) == ARGV[1] then return { at, part[i] } end
    largest = math.max(largest, #part[i])
    read = read + #part[i]
    at = at + 1
  end
  run = longer(run, 8, largest)
end
return { at }
