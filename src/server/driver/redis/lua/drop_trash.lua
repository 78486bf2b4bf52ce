-- Forgets a trash entry once nothing is left in it.
-- KEYS  1 set of trash entries  2 entry  3 its items  then its lists
-- ARGV  1 id
-- Returns 1 = forgotten, 0 = something is in it (nothing was changed).
for i = 3, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
