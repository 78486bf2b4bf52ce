-- A lost job back into the list it came from; once, whoever asks.
-- KEYS  1 lost runs (hash)  2 waiting list
-- ARGV  1 field of the run  2 its note as read before  3 its note afterwards  4 payload
-- Returns 1, or 0 when the note is another one by now: it was put back, or its worker spoke again. Nothing is changed then.
local bad = holds(KEYS[1], 'hash') or holds(KEYS[2], 'list')
if bad then return bad end
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
-- Never through the group check: the dead job still holds its group.
redis.call('LPUSH', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
