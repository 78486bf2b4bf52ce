-- Moves the last elements of a failed list back to their waiting lists, oldest first, all or none of them.
-- KEYS  1 failed list  2 set of active groups  3-6 waiting lists critical, high, base, low  then pending lists of groups
-- ARGV  1 mark  2 how many elements at the tail stay (before these)  then for each element, tail first: raw, payload to
--       push ('' = leave it), list (3-6), group id or '', index of its pending list in KEYS
-- Returns 1, or 0 when the list's tail is no longer what was read (nothing was changed: read again). An error: likewise.
local stay, n = tonumber(ARGV[2]), (#ARGV - 2) / 5
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'set')
for i = 3, #KEYS do bad = bad or holds(KEYS[i], 'list') end
if bad then return bad end
local raws = redis.call('LRANGE', KEYS[1], -stay - n, -stay - 1)
if #raws ~= n then return 0 end
for i = 1, n do
  if raws[n + 1 - i] ~= ARGV[5 * i - 2] then return 0 end
end
-- Pushes to one list go in runs; a grouped job asks the group first.
local run, to, left = {}, nil, false
local function flush()
  if #run > 0 then redis.call('LPUSH', to, unpack(run)) end
  run = {}
end
for i = 1, n do
  local payload, list, group = ARGV[5 * i - 1], KEYS[tonumber(ARGV[5 * i])], ARGV[5 * i + 1]
  if payload == '' then left = true
  elseif group ~= '' and redis.call('SISMEMBER', KEYS[2], group) == 1 then
    redis.call('RPUSH', KEYS[tonumber(ARGV[5 * i + 2])], payload)
  else
    if group ~= '' then redis.call('SADD', KEYS[2], group) end
    if to ~= list then flush(); to = list end
    run[#run + 1] = payload
  end
end
flush()
if stay == 0 and not left then
  redis.call('LTRIM', KEYS[1], 0, -n - 1)
  return 1
end
local marks = 0
for i = 1, n do
  if ARGV[5 * i - 1] ~= '' then
    redis.call('LSET', KEYS[1], -stay - i, ARGV[1])
    marks = marks + 1
  end
end
if marks > 0 then redis.call('LREM', KEYS[1], -marks, ARGV[1]) end
return 1
