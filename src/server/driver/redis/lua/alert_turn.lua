-- One alert changes its state and says so: all of it or nothing. The state holds since when it is firing and when it last fired,
-- so whoever repeats a change after a lost answer, or believes an old state, changes and says nothing.
-- KEYS  1 lease of the evaluator  2 states (hash)  3 history (list)  4 outbox (list)  5 number of the newest entry
-- ARGV  1 token of the lease  2 field (rule and subject)  3 state that the evaluator went on from ('' none)  4 new state ('' none)
--       5 message to say ('' none)  6 how many states there may be
-- Returns 1 done  0 the state is another one by now, nothing was changed  -1 the lease is somebody else's  -2 too many states
local bad = holds(KEYS[1], 'string') or holds(KEYS[2], 'hash') or holds(KEYS[3], 'list') or holds(KEYS[4], 'list') or holds(KEYS[5], 'string')
if bad then return bad end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local before = redis.call('HGET', KEYS[2], ARGV[2]) or ''
if before ~= ARGV[3] then return 0 end
if before == '' and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then return -2 end
if ARGV[5] ~= '' then says(KEYS[3], KEYS[4], KEYS[5], ARGV[5], true) end
if ARGV[4] == '' then redis.call('HDEL', KEYS[2], ARGV[2]) else redis.call('HSET', KEYS[2], ARGV[2], ARGV[4]) end
return 1
