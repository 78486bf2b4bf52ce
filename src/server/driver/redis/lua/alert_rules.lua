-- Writes the rules over exactly what was read.
-- KEYS  1 rules  2 where the old ones go
-- ARGV  1 type of what was read (`none`, `string`, …)  2 its text, when it is one  3 new text  4 '1': the old ones are kept
-- Returns 1, or 0 when the key holds something else by now: nothing is changed then.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= ARGV[1] then return 0 end
if kind == 'string' and redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
if ARGV[4] == '1' and kind ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[3])
return 1
