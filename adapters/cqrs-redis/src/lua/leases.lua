-- All leases: the projection, and how many milliseconds ago each ran out.
local now, found, cursor = milliseconds(), {}, '0'
local start = prefix .. 'lease:'
local pattern = string.gsub(start, '[%*%?%[%]%^%-\\]', '\\%0') .. '*'
repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
        local ends = tonumber(redis.call('HGET', key, 'until') or '0')
        found[#found + 1] = { string.sub(key, #start + 1), string.format('%.0f', math.max(0, now - ends)) }
    end
until cursor == '0'
return found
