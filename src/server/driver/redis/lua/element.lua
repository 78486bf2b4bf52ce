-- Prepended to the scripts that look at elements. Figures as in payload.rs.
local WHOLE, PART = 16384, 8192

-- An element as the console gets to see it: {bytes, head, tail}; tail is '' when head is the whole.
local function element(raw)
  if #raw <= WHOLE then return { #raw, raw, '' } end
  return { #raw, raw:sub(1, PART), raw:sub(-PART) }
end

-- Hash that a fingerprint carries.
local function digest(raw)
  if #raw <= WHOLE then return redis.sha1hex(raw) end
  return redis.sha1hex(#raw .. ':' .. raw:sub(1, PART) .. raw:sub(-PART))
end

-- Whether one of the texts in ARGV, from this one on, is in there.
local function contains(raw, first)
  for n = first, #ARGV do
    if raw:find(ARGV[n], 1, true) then return true end
  end
  return false
end

-- How many elements to read at once after a run whose largest had so many bytes: runs grow while elements are small.
-- Eightfold: each run in the middle of a list of a million costs Redis a walk of some 50 us. A page of 50 is 2, 16 and 32.
local function longer(run, most, largest) return math.max(1, math.min(run * 8, most, math.floor(262144 / largest))) end

-- Calls visit(position, raw) for the positions from..to of a list, counted from the tail (or from the head).
-- Reads in runs that grow while elements are small, so that neither many small nor a few huge ones block Redis; never more
-- than 32 at once, because small ones may be followed by huge ones.
-- Stops after `budget` bytes or when visit returns true; returns the first position not visited.
local function each(key, from, to, fromHead, budget, visit)
  local at, run, read = from, 2, 0
  while at <= to do
    local last = math.min(at + run - 1, to)
    local raws
    if fromHead then raws = redis.call('LRANGE', key, at, last)
    else raws = redis.call('LRANGE', key, -last - 1, -at - 1) end
    if #raws == 0 then return to + 1 end
    local largest = 1
    for i = 1, #raws do
      local raw = fromHead and raws[i] or raws[#raws + 1 - i]
      largest = math.max(largest, #raw)
      read = read + #raw
      if visit(at, raw) then return at + 1 end
      at = at + 1
    end
    -- Fewer than asked for: the list ends here.
    if at <= last then return to + 1 end
    if read >= budget then return at end
    run = longer(run, 32, largest)
  end
  return at
end

