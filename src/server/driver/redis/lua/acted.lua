-- Prepended to the scripts that act on the job which a click names. A handle that acted is noted for a moment: the same click, sent
-- again, acts on nothing, also where another job with the very same bytes is left.
-- The note is a hash by digest of the job; its fields are `{list}.{position}` as the handle has them, wherever the job was found.
-- `position` is '' for whoever read the job just now: then nothing is asked, and nothing noted.

local function acted(note, list, position)
  return position ~= '' and redis.call('HEXISTS', note, list .. '.' .. position) == 1
end

-- Called when the job was moved: one that Redis refuses to move may be clicked again at once.
local function remember(note, list, position, seconds)
  if position == '' then return end
  redis.call('HSET', note, list .. '.' .. position, '1')
  redis.call('EXPIRE', note, seconds)
end

