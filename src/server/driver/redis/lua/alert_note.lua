-- Writes what was said while Redis was away into the history, oldest first. No lease: only the console that said it knows.
-- KEYS  1 history (list)  2 outbox (list)  3 number of the newest entry  4 mark of this very request
-- ARGV  pairs of: message, '1' when it is for the channels as well ('0': they have it already)
-- Returns how many were written; 0: this request was carried out before.
if not redis.call('SET', KEYS[4], '1', 'NX', 'EX', 3600) then return 0 end
for i = 1, #ARGV, 2 do says(KEYS[1], KEYS[2], KEYS[3], ARGV[i], ARGV[i + 1] == '1') end
return #ARGV / 2
