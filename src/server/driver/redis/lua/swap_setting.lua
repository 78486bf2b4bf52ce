-- A setting written over exactly what was read.
-- KEYS  1 setting  2 where the old text is kept
-- ARGV  1 what was read, '' for nothing  2 the new text  3 '1': keep the old text
-- Returns 1; 0: it is another text by now, and nothing was changed.
local bad = holds(KEYS[1], 'string')
if bad then return bad end
local old = redis.call('GET', KEYS[1]) or ''
if old ~= ARGV[1] then return 0 end
if ARGV[3] == '1' then redis.call('SET', KEYS[2], old) end
redis.call('SET', KEYS[1], ARGV[2])
return 1
