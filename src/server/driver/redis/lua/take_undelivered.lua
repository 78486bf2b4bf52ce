-- An undelivered alert out of its list, and into the outbox again if it is to be sent again; once, whoever asks.
-- KEYS  1 undelivered alerts (list)  2 outbox (list)
-- ARGV  1 the entry as it was read  2 what goes to the outbox, '' for nothing
-- Returns 1; 0: the entry is gone, and nothing was changed.
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'list')
if bad then return bad end
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
if ARGV[2] ~= '' then redis.call('LPUSH', KEYS[2], ARGV[2]) end
return 1
