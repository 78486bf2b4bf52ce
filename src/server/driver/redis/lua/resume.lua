-- Lets a queue go on: takes its pause flags away. Behind take.lua.
-- KEYS  the pause flags of its lists
-- Returns how many there were. An error: nothing was changed.
for i = 1, #KEYS do
  local bad = holds(KEYS[i], 'string')
  if bad then return bad end
end
return redis.call('DEL', unpack(KEYS))
