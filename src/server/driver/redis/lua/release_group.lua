-- Lets a group go on as the library does when its job completes. Behind element.lua and take.lua.
-- KEYS  1 set of active groups  2 pending list of the group  3 waiting list of the first pending job  4… waiting lists to look at
-- ARGV  1 group id  2 '1' = the group is active and nothing holds it; '0' = it is not active, and jobs are behind it
--       3 first pending job as read ('' = none)  4 byte budget  5… the id as it stands in JSON, in each way of writing it
-- Returns 1 = the first pending job waits now, and the group is active; 2 = nothing was behind it: the group is not active any more;
-- 0 = it is not as it was by now; -1 = a job of it waits, so it is held; -2 = too much waits to be sure. Nothing was changed for
-- 0 and less. An error: likewise.
local bad = holds(KEYS[1], 'set') or holds(KEYS[2], 'list') or holds(KEYS[3], 'list')
if bad then return bad end
local active = redis.call('SISMEMBER', KEYS[1], ARGV[1])
if tostring(active) ~= ARGV[2] then return 0 end
if (redis.call('LINDEX', KEYS[2], 0) or '') ~= ARGV[3] then return 0 end
if active == 1 then
  local budget, held = tonumber(ARGV[4]), false
  for i = 4, #KEYS do
    if redis.call('TYPE', KEYS[i]).ok == 'list' then
      local last = redis.call('LLEN', KEYS[i]) - 1
      if last >= 0 and budget <= 0 then return -2 end
      local at = each(KEYS[i], 0, last, false, budget, function(_, raw)
        -- 64: what asking for an element costs, however small it is.
        budget = budget - #raw - 64
        held = raw:find('groupId', 1, true) ~= nil and contains(raw, 5)
        return held or budget <= 0
      end)
      if held then return -1 end
      if at <= last then return -2 end
    end
  end
elseif ARGV[3] == '' then
  return 0
end
if ARGV[3] == '' then
  redis.call('SREM', KEYS[1], ARGV[1])
  return 2
end
-- Pushed before it is taken out: should Redis refuse the second step, the job is there twice rather than not at all.
redis.call('LPUSH', KEYS[3], ARGV[3])
redis.call('LPOP', KEYS[2])
if active == 0 then redis.call('SADD', KEYS[1], ARGV[1]) end
return 1
