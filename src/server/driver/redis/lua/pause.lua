-- Pauses a queue. Behind take.lua.
-- KEYS  the pause flags of its lists
-- Returns 1. An error: nothing was changed.
for i = 1, #KEYS do
  local bad = holds(KEYS[i], 'string')
  if bad then return bad end
end
for i = 1, #KEYS do redis.call('SET', KEYS[i], '1') end
return 1
