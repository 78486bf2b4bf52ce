-- Replaces a text that is still as it was read.
-- KEYS  1 the text
-- ARGV  1 as it was read; empty: there was none  2 what it shall be
-- Returns 1, or 0 when somebody changed it meanwhile: nothing is changed then.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
