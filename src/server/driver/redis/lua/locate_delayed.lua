-- Finds the element with a digest among those of one score.
-- KEYS  1 sorted set
-- ARGV  1 digest  2 score  3 how many of that score to skip  4 how many to look at
-- Returns {rank, raw}, or {} when none of them matches.
local members = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2], 'LIMIT', ARGV[3], ARGV[4])
for _, raw in ipairs(members) do
  if digest(raw) == ARGV[1] then return { redis.call('ZRANK', KEYS[1], raw), raw } end
end
return {}
