-- Moves one failed job back to its waiting list, as the library's own retry pushes it; once for a handle. Behind take.lua and acted.lua.
-- KEYS  1 failed list  2 waiting list  3 set of active groups  4 pending list of the job's group  5 note of what acted a moment ago
-- ARGV  1 raw element  2 position from the tail  3 payload to push  4 group id or ''  5 mark
--       6 position that the handle of a click names, or ''  7 seconds for which it is noted
-- Returns 1 = moved, 0 = gone (nothing pushed), 3 = this handle acted a moment ago: its job is gone (nothing pushed). An error:
-- nothing was changed.
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list')
if not bad and ARGV[4] ~= '' then bad = holds(KEYS[3], 'set') or holds(KEYS[4], 'list') end
if not bad and ARGV[6] ~= '' then bad = holds(KEYS[5], 'hash') end
if bad then return bad end
if acted(KEYS[5], KEYS[1], ARGV[6]) then return 3 end
local p = whereabouts(KEYS[1], ARGV[1], tonumber(ARGV[2]), false)
if not p then return 0 end
-- Pushed before it is taken out: should Redis refuse the second step, the job is there twice rather than not at all.
if ARGV[4] ~= '' and redis.call('SISMEMBER', KEYS[3], ARGV[4]) == 1 then
  redis.call('RPUSH', KEYS[4], ARGV[3])
else
  if ARGV[4] ~= '' then redis.call('SADD', KEYS[3], ARGV[4]) end
  redis.call('LPUSH', KEYS[2], ARGV[3])
end
remove(KEYS[1], p, false, ARGV[5])
remember(KEYS[5], KEYS[1], ARGV[6], ARGV[7])
return 1
