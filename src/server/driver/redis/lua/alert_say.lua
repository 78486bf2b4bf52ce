-- For the scripts behind it: says(history, outbox, seq, message, to_channels) writes one entry of the history and, when asked,
-- the same message for the channels. The message travels as text: nothing here reads or writes JSON.
local HISTORY, OUTBOX = 1000, 10000
local function says(history, outbox, seq, message, to_channels)
  local number = redis.call('INCR', seq)
  redis.call('LPUSH', history, '{"seq":' .. string.format('%d', number) .. ',"message":' .. message .. '}')
  redis.call('LTRIM', history, 0, HISTORY - 1)
  if to_channels then
    redis.call('LPUSH', outbox, message)
    -- Only while nobody delivers for a very long time.
    redis.call('LTRIM', outbox, 0, OUTBOX - 1)
  end
end
