-- Dead letters that came since the last look: elements from the head of each list down to the first that is known.
-- KEYS  failed lists, at most 20
-- ARGV  1 byte budget  2 most elements of one list  3 position to begin at  4… digests of known elements, of any of the lists
-- Returns for each list {length, done, element…}, newest first. done 1: down to a known one; 2: down to the end, none is known;
-- 0: there is more behind these. length -1: the key holds no list.
local budget, most, from, known = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
for i = 4, #ARGV do known[ARGV[i]] = true end
local answer = {}
for i = 1, #KEYS do
  local length = redis.pcall('LLEN', KEYS[i])
  if type(length) ~= 'number' then
    answer[i] = { -1, 2 }
  else
    local row, done, last = { length, 2 }, 2, math.min(length, from + most) - 1
    if last + 1 < length then done = 0 end
    if budget <= 0 and from < length then
      done = 0
    else
      local at = each(KEYS[i], from, last, true, budget, function(_, raw)
        if known[digest(raw)] then done = 1 return true end
        row[#row + 1] = raw
        budget = budget - #raw
      end)
      if done == 2 and at <= last then done = 0 end
    end
    row[2] = done
    answer[i] = row
  end
end
return answer
