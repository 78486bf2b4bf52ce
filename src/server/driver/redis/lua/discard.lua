-- Takes one element out of a list into the trash and, for a waiting job of a group, lets the group go on; once for a handle.
-- Behind take.lua and acted.lua.
-- KEYS  1 list  2 trash items  3 set of active groups  4 pending list of the group  5 list that the group releases into
--       6 note of what acted a moment ago
-- ARGV  1 raw element  2 position  3 'tail' or 'head'  4 trash item  5 trash TTL, s
--       6 group id to complete or ''  7 mark  8 position that the handle of a click names, or ''  9 seconds for which it is noted
-- Returns {1} = taken out, {1, raw} = and this job was released by its group, {0} = gone, {3} = this handle acted a moment ago: its
-- job is gone. An error: nothing was changed.
local head = ARGV[3] == 'head'
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list')
if not bad and ARGV[6] ~= '' then bad = holds(KEYS[3], 'set') or holds(KEYS[4], 'list') or holds(KEYS[5], 'list') end
if not bad and ARGV[8] ~= '' then bad = holds(KEYS[6], 'hash') end
if bad then return bad end
if acted(KEYS[6], KEYS[1], ARGV[8]) then return { 3 } end
local p = whereabouts(KEYS[1], ARGV[1], tonumber(ARGV[2]), head)
if not p then return { 0 } end
redis.call('LPUSH', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[5])
remove(KEYS[1], p, head, ARGV[7])
remember(KEYS[6], KEYS[1], ARGV[8], ARGV[9])
if ARGV[6] ~= '' then
  -- Completion as the library does it, or the jobs behind this one would wait for ever.
  local next = redis.call('LPOP', KEYS[4])
  if next then
    redis.call('LPUSH', KEYS[5], next)
    return { 1, next }
  end
  redis.call('SREM', KEYS[3], ARGV[6])
end
return { 1 }
