-- Moves the last elements of a failed list to one waiting list, in a transaction that watches the failed list. The payloads are
-- pushed by a plain LPUSHX between two calls of this script, because Lua hashes every byte that it is handed:
--   MULTI · 'lift' · LPUSHX in-hand payload… · 'land' · EXEC
-- Both calls are this one script, so that Redis knows either both or neither.
-- KEYS  1 failed list  2 waiting list  3 the waiting list while it is in hand: nobody else knows this key
-- ARGV  1 'lift' or 'land'  2 mark  3 how many are moved  4, 5 the first and the last of them, tail first ('lift' alone)
-- 'lift' makes the waiting list the one in hand, with the mark at its head. Returns 1, or 0 when the failed list does not end in
-- what was read: the watch may be of another server than the reading. An error, or 0: nothing was changed, and LPUSHX, which
-- pushes to what is there already, pushes nothing.
-- 'land' takes the elements out of the failed list and puts the list in hand back. Returns 1, or 0 when the payloads were not
-- pushed (nothing was changed).

-- A user may be forbidden any single command, and what a script did before it was refused one stays done: each that is needed from
-- here on is tried where it changes nothing. Returns the refusal.
local function refusal()
  local key, mark = KEYS[3], ARGV[2]
  local tried = {
    { 'LPUSH', key, mark }, { 'LINDEX', key, 0 }, { 'EXISTS', key }, { 'RENAME', key, key }, { 'LTRIM', key, 0, 0 },
    { 'LTRIM', KEYS[1], 0, -1 }, { 'LTRIM', KEYS[2], 0, -1 }, { 'LREM', key, 1, mark },
  }
  for _, command in ipairs(tried) do
    local answer = redis.pcall(unpack(command))
    if type(answer) == 'table' and answer.err then
      redis.pcall('LTRIM', key, 1, 0)
      redis.pcall('LREM', key, 1, mark)
      return answer
    end
  end
end

if ARGV[1] == 'lift' then
  local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list') or holds(KEYS[3], 'none') or refusal()
  if bad then return bad end
  if redis.call('LINDEX', KEYS[1], -1) ~= ARGV[4] or redis.call('LINDEX', KEYS[1], -ARGV[3]) ~= ARGV[5] then return 0 end
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[3]) end
  redis.call('LPUSH', KEYS[3], ARGV[2])
  return 1
end
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
local pushed = redis.call('LINDEX', KEYS[3], ARGV[3]) == ARGV[2]
redis.call('LREM', KEYS[3], 1, ARGV[2])
if pushed then redis.call('LTRIM', KEYS[1], 0, -ARGV[3] - 1) end
-- With nothing but the mark in it, it is gone by now.
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[2]) end
return pushed and 1 or 0
