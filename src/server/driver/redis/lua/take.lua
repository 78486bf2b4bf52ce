-- Prepended to the scripts that move one element out of a list.

-- Where exactly `raw` is now: at the position seen (from the tail, or the head), or up to 24 places beside it because
-- something was pushed or popped since; no more of them once 2 MB were read. nil = not there; the console then looks further and
-- asks again.
local function whereabouts(key, raw, seen, fromHead)
  local read = 0
  local function at(p)
    if p < 0 then return nil end
    local found = redis.call('LINDEX', key, fromHead and p or -p - 1)
    read = read + (found and #found or 0)
    return found
  end
  if at(seen) == raw then return seen end
  for d = 1, 24 do
    if read > 2097152 and d > 1 then return nil end
    -- Pops at the end that is counted from move an element to a lower position: look there first.
    if at(seen - d) == raw then return seen - d end
    if at(seen + d) == raw then return seen + d end
  end
end

-- Takes out the one element at a position, whatever equals it elsewhere: it becomes a mark that nothing else equals, which
-- LREM then meets from the nearer end of the list.
local function remove(key, p, fromHead, mark)
  redis.call('LSET', key, fromHead and p or -p - 1, mark)
  local near = 2 * p < redis.call('LLEN', key)
  redis.call('LREM', key, near == fromHead and 1 or -1, mark)
end

-- Refuses before anything is written when a key that will be written holds another type.
local function holds(key, kind)
  local found = redis.call('TYPE', key).ok
  if found == kind or found == 'none' then return nil end
  return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found)
end

