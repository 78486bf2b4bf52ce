-- Reads schedules, whatever lies under their keys.
-- KEYS  hashes of schedules
-- ARGV  1 most bytes of a field
-- Returns for each key {type, id, cron, queue, job, enabled, lastRun}; a field that is absent is nil; a hash with a longer field
-- is {'large'}, a key that is no hash {type}.
local names = { 'id', 'cron', 'queue', 'job', 'enabled', 'lastRun' }
local all = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local row = { kind }
  if kind == 'hash' then
    for _, name in ipairs(names) do
      if redis.call('HSTRLEN', key, name) > tonumber(ARGV[1]) then row = { 'large' } end
    end
    if row[1] == 'hash' then
      for n, value in ipairs(redis.call('HMGET', key, unpack(names))) do row[n + 1] = value end
    end
  end
  all[i] = row
end
return all
