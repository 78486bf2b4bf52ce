-- Moves the last elements of a failed list back to their waiting lists, oldest first, all or none of them.
-- KEYS  1 failed list  2 set of active groups  3-6 waiting lists critical, high, base, low
--       then the pending list of each job that goes and has a group
-- ARGV  1 mark  2 how many elements at the tail stay (before these)  3 one letter a job, tail first: '-' = it stays where it
--       is, '3' to '6' = its waiting list in KEYS, 'C' to 'F' = likewise, and it has a group
--       then the raw elements, tail first; then a payload to push for each that goes; then a group id for each of these
--       that has one
-- Returns 1, or 0 when the list's tail is no longer what was read (nothing was changed: read again). An error: likewise.
-- Lua hashes every byte that it is handed: nothing is sent here for the many jobs that have neither group nor priority.
local stay, letters = tonumber(ARGV[2]), ARGV[3]
local n = #letters
local bad = holds(KEYS[1], 'list') or holds(KEYS[2], 'set')
for i = 3, #KEYS do bad = bad or holds(KEYS[i], 'list') end
if bad then return bad end
-- Changes nothing: who may not do this is refused before the push.
redis.call('LTRIM', KEYS[1], 0, -1)
local raws = redis.call('LRANGE', KEYS[1], -stay - n, -stay - 1)
if #raws ~= n then return 0 end
for i = 1, n do
  if raws[n + 1 - i] ~= ARGV[3 + i] then return 0 end
end
-- Pushes to one list go in one run; a grouped job asks the group first.
local runs, going, grouped = { [3] = {}, [4] = {}, [5] = {}, [6] = {} }, 0, 0
local _, leaving = letters:gsub('%-', '')
for i = 1, n do
  local letter = letters:byte(i)
  if letter ~= 45 then
    going = going + 1
    local payload, list = ARGV[3 + n + going], letter % 16
    if letter < 64 then
      table.insert(runs[list], payload)
    else
      grouped = grouped + 1
      local group = ARGV[3 + n + n - leaving + grouped]
      if redis.call('SISMEMBER', KEYS[2], group) == 1 then
        redis.call('RPUSH', KEYS[6 + grouped], payload)
      else
        redis.call('SADD', KEYS[2], group)
        table.insert(runs[list], payload)
      end
    end
  end
end
for list = 3, 6 do
  if #runs[list] > 0 then redis.call('LPUSH', KEYS[list], unpack(runs[list])) end
end
if stay == 0 and leaving == 0 then
  redis.call('LTRIM', KEYS[1], 0, -n - 1)
  return 1
end
for i = 1, n do
  if letters:byte(i) ~= 45 then redis.call('LSET', KEYS[1], -stay - i, ARGV[1]) end
end
if going > 0 then redis.call('LREM', KEYS[1], -going, ARGV[1]) end
return 1
