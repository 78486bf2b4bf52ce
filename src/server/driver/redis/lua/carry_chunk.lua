-- Moves the last elements of a failed list to their waiting lists, in a transaction that watches the failed list. The payloads are
-- pushed by plain commands between two calls of this script, because Lua hashes every byte that it is handed:
--   MULTI · 'lift' · LPUSHX in-hand payload… for each waiting list · 'land' · EXEC
-- Both calls are this one script, so that Redis knows either both or neither.
-- KEYS  1 failed list, then for each waiting list: the list, and the key that it has while it is in hand, which nobody else knows
-- ARGV  1 'lift' or 'land'  2 mark  3 how many are moved
--       'lift': 4, 5 the first and the last of them, tail first
--       'land': 4… for each waiting list how many go there
-- 'lift' makes the waiting lists the ones in hand, with the mark at the head of each. Returns 1, or 0 when the failed list does not
-- end in what was read: the watch may be of another server than the reading. An error, or 0: nothing was changed, and LPUSHX, which
-- pushes to what is there already, pushes nothing.
-- 'land' takes the elements out of the failed list and puts the lists in hand back. Returns 1, or 0 when not all payloads were
-- pushed (nothing was changed).

-- A user may be forbidden any single command, and what a script did before it was refused one stays done: each that is needed from
-- here on is tried where it changes nothing. Returns the refusal.
local function refusal()
  local key, mark = KEYS[3], ARGV[2]
  -- What takes the mark away again comes first: the key is not there yet.
  local tried = { { 'LTRIM', key, 0, -1 }, { 'LREM', key, 1, mark }, { 'LTRIM', KEYS[1], 0, -1 } }
  for k = 2, #KEYS, 2 do tried[#tried + 1] = { 'LTRIM', KEYS[k], 0, -1 } end
  for _, command in ipairs({
    { 'LPUSH', key, mark }, { 'LINDEX', key, 0 }, { 'EXISTS', key }, { 'RENAME', key, key }, { 'LREM', key, 1, mark },
  }) do tried[#tried + 1] = command end
  for _, command in ipairs(tried) do
    local answer = redis.pcall(unpack(command))
    if type(answer) == 'table' and answer.err then
      redis.pcall('LREM', key, 1, mark)
      return answer
    end
  end
end

if ARGV[1] == 'lift' then
  local bad = holds(KEYS[1], 'list')
  for k = 2, #KEYS, 2 do bad = bad or holds(KEYS[k], 'list') or holds(KEYS[k + 1], 'none') end
  bad = bad or refusal()
  if bad then return bad end
  if redis.call('LINDEX', KEYS[1], -1) ~= ARGV[4] or redis.call('LINDEX', KEYS[1], -ARGV[3]) ~= ARGV[5] then return 0 end
  for k = 2, #KEYS, 2 do
    if redis.call('EXISTS', KEYS[k]) == 1 then redis.call('RENAME', KEYS[k], KEYS[k + 1]) end
    redis.call('LPUSH', KEYS[k + 1], ARGV[2])
  end
  return 1
end
-- Lifted were all or none.
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
local all = true
for k = 2, #KEYS, 2 do all = all and redis.call('LINDEX', KEYS[k + 1], ARGV[3 + k / 2]) == ARGV[2] end
for k = 2, #KEYS, 2 do
  -- What was pushed, without the others, goes again.
  if not all and redis.call('LINDEX', KEYS[k + 1], 0) ~= ARGV[2] then redis.call('LTRIM', KEYS[k + 1], ARGV[3 + k / 2], -1) end
  redis.call('LREM', KEYS[k + 1], 1, ARGV[2])
  -- With nothing but the mark in it, it is gone by now.
  if redis.call('EXISTS', KEYS[k + 1]) == 1 then redis.call('RENAME', KEYS[k + 1], KEYS[k]) end
end
if all then redis.call('LTRIM', KEYS[1], 0, -ARGV[3] - 1) end
return all and 1 or 0
