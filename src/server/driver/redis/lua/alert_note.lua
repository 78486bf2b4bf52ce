-- Writes what was said while Redis was away into the history, oldest first, and when it was said into the states, for the
-- cool-down. No lease: only the console that said it knows.
-- KEYS  1 history (list)  2 outbox (list)  3 number of the newest entry  4 mark of this very request  5 states (hash)
-- ARGV  1 how many states  then pairs of: field, state
--       then pairs of: message, '1' when it is for the channels as well ('0': they have it already)
-- Returns how many were written; 0: this request was carried out before.
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list') or holds(KEYS[3], 'string') or holds(KEYS[5], 'hash')
if bad then return bad end
if not redis.call('SET', KEYS[4], '1', 'NX', 'EX', 3600) then return 0 end
local first = 2 + 2 * ARGV[1]
for i = 2, first - 1, 2 do redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1]) end
for i = first, #ARGV, 2 do says(KEYS[1], KEYS[2], KEYS[3], ARGV[i], ARGV[i + 1] == '1') end
return (#ARGV - first + 1) / 2
