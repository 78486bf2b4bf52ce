-- Puts a whole list or set back where it was: by name when the place is empty, else a part at a time behind what came since.
-- KEYS  1 in the trash  2 where it came from
-- ARGV  1 'list' or 'zset'  2 how many at most when it goes in parts  3 byte budget  4 how many at the beginning of a set stay
-- Returns {how many went back, how many at the beginning of the set stay, because an equal job is delayed already: of two equal
-- members a set keeps one}. An error: nothing was changed.
local bad = holds(KEYS[1], ARGV[1]) or holds(KEYS[2], ARGV[1])
if bad then return bad end
local list = ARGV[1] == 'list'
local n = redis.call(list and 'LLEN' or 'ZCARD', KEYS[1])
if n == 0 then return { 0, 0 } end
local stay = tonumber(ARGV[4])
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PERSIST', KEYS[2])
  return { n, 0 }
end
local went, looked, read = 0, 0, 0
while looked < tonumber(ARGV[2]) and stay + went < n and read < tonumber(ARGV[3]) do
  looked = looked + 1
  if list then
    -- The head of the old list follows the tail of the new one: what was to run next still is.
    -- (LMOVE would do the same, from Redis 6.2 on.)
    local raw = redis.call('LINDEX', KEYS[1], 0)
    redis.call('RPUSH', KEYS[2], raw)
    redis.call('LPOP', KEYS[1])
    went, read = went + 1, read + #raw
  else
    local pair = redis.call('ZRANGE', KEYS[1], stay, stay, 'WITHSCORES')
    read = read + #pair[1]
    if redis.call('ZADD', KEYS[2], 'NX', pair[2], pair[1]) == 1 then
      redis.call('ZREM', KEYS[1], pair[1])
      went = went + 1
    else
      stay = stay + 1
    end
  end
end
return { went, stay }
