-- A search. Arguments: view, fingerprint, number of indexes, `rows` or `count`, offset, limit (-1:
-- none), number of orders, for each the index and `asc` or `desc`, and the filter in postfix order:
-- `range`, index, number, pairs of bounds; `all` or `any`, number of parts; `every`.
local view, indexes, counts = ARGV[2], tonumber(ARGV[4]), ARGV[5] == 'count'
local offset, limit, at = tonumber(ARGV[6]), tonumber(ARGV[7]), 9
local place = place_of(view, ARGV[3])
if not place then
    return other_shape(view)
end
local orders = {}
for order = 1, tonumber(ARGV[8]) do
    orders[order] = { index = ARGV[at], descends = ARGV[at + 1] == 'desc' }
    at = at + 2
end

local function key_of(member)
    local kind = string.byte(member, 1)
    if kind == 1 then
        return string.sub(member, 2)
    elseif kind == 2 then
        return string.sub(member, 3)
    elseif kind == 5 then
        local _, stop = string.find(member, '\0\0', 2, true)
        return string.sub(member, stop + 1)
    end
    return string.sub(member, 10)
end

local function value_of(key, index)
    return redis.call('HGET', row_at(place, key), 'i' .. index)
end

-- The keys that match a condition. Those of a range are fetched on demand.
local function keys_of(condition)
    if not condition.keys then
        condition.keys, condition.size = {}, 0
        for _, range in ipairs(condition.ranges) do
            local members = redis.call('ZRANGEBYLEX', index_at(place, condition.index), range[1], range[2])
            for _, member in ipairs(members) do
                local key = key_of(member)
                if not condition.keys[key] then
                    condition.keys[key], condition.size = true, condition.size + 1
                end
            end
        end
    end
    return condition.keys
end

-- Whether a row is in a range, by its rank in the index: for a few rows and a wide range.
local function takes(condition, key)
    local index = index_at(place, condition.index)
    local rank = redis.call('ZRANK', index, value_of(key, condition.index) .. key)
    for _, range in ipairs(condition.ranges) do
        range.from = range.from
            or (range[1] == '-' and 0 or redis.call('ZLEXCOUNT', index, '-', '(' .. string.sub(range[1], 2)))
        if rank >= range.from and rank < range.from + range.size then
            return true
        end
    end
    return false
end

local function all(parts)
    table.sort(parts, function(a, b)
        return a.size < b.size
    end)
    local found = parts[1]
    for part = 2, #parts do
        local next, keys, size = parts[part], {}, 0
        local by_rank = not next.keys and #next.ranges <= 4 and next.size > 4 * found.size
        local others = not by_rank and keys_of(next)
        for key in pairs(keys_of(found)) do
            if by_rank and takes(next, key) or others and others[key] then
                keys[key], size = true, size + 1
            end
        end
        found = { keys = keys, size = size }
    end
    return found
end

local function any(parts)
    local keys, size = {}, 0
    for _, part in ipairs(parts) do
        for key in pairs(keys_of(part)) do
            if not keys[key] then
                keys[key], size = true, size + 1
            end
        end
    end
    return { keys = keys, size = size }
end

local stack = {}
while ARGV[at] do
    local kind = ARGV[at]
    if kind == 'every' then
        stack[#stack + 1] = { every = true }
        at = at + 1
    elseif kind == 'range' then
        local condition = { index = ARGV[at + 1], ranges = {}, size = 0 }
        local number = tonumber(ARGV[at + 2])
        at = at + 3
        for range = 1, number do
            local size = redis.call('ZLEXCOUNT', index_at(place, condition.index), ARGV[at], ARGV[at + 1])
            condition.ranges[range] = { ARGV[at], ARGV[at + 1], size = size }
            condition.size = condition.size + size
            at = at + 2
        end
        stack[#stack + 1] = condition
    else
        local number, parts, every = tonumber(ARGV[at + 1]), {}, 0
        for _ = 1, number do
            local part = table.remove(stack)
            if part.every then
                every = every + 1
            else
                parts[#parts + 1] = part
            end
        end
        if kind == 'all' and every == number or kind == 'any' and every > 0 then
            stack[#stack + 1] = { every = true }
        else
            stack[#stack + 1] = kind == 'all' and all(parts) or any(parts)
        end
        at = at + 2
    end
end
local filter = stack[1]

if counts then
    if filter.every then
        return redis.call('ZCARD', keys_at(place))
    end
    keys_of(filter)
    return filter.size
end

local last = limit < 0 and -1 or offset + limit - 1
local page = {}
if limit == 0 then
    return page
elseif filter.every and #orders == 0 then
    page = redis.call('ZRANGE', keys_at(place), offset, last)
elseif filter.every and #orders == 1 and not orders[1].descends then
    for number, member in ipairs(redis.call('ZRANGE', index_at(place, orders[1].index), offset, last)) do
        page[number] = key_of(member)
    end
elseif filter.every and #orders == 1 then
    -- Value by value, because rows with the same value are sorted by key, ascending. No key
    -- contains the byte 255.
    local index, at_rank, left = index_at(place, orders[1].index), offset, limit
    while left ~= 0 do
        local member = redis.call('ZREVRANGE', index, at_rank, at_rank)[1]
        if not member then
            break
        end
        local value = string.sub(member, 1, #member - #key_of(member))
        local passed = at_rank - redis.call('ZLEXCOUNT', index, '[' .. value .. '\255', '+')
        local same = redis.call('ZRANGEBYLEX', index, '[' .. value, '(' .. value .. '\255', 'LIMIT', passed, left)
        for _, found in ipairs(same) do
            page[#page + 1] = key_of(found)
        end
        at_rank, left = at_rank + #same, left < 0 and left or left - #same
    end
else
    -- Values are compared by their rank in the index: Lua compares texts by the server's locale.
    local found = {}
    local function add(key)
        local row = { key = key, rank = redis.call('ZRANK', keys_at(place), key) }
        for number, order in ipairs(orders) do
            local value = value_of(key, order.index)
            row[number] = { value, redis.call('ZRANK', index_at(place, order.index), value .. key) }
        end
        found[#found + 1] = row
    end
    if filter.every then
        for _, key in ipairs(redis.call('ZRANGE', keys_at(place), 0, -1)) do
            add(key)
        end
    else
        for key in pairs(keys_of(filter)) do
            add(key)
        end
    end
    table.sort(found, function(a, b)
        for number, order in ipairs(orders) do
            if a[number][1] ~= b[number][1] then
                return (a[number][2] < b[number][2]) ~= order.descends
            end
        end
        return a.rank < b.rank
    end)
    for number = offset + 1, limit < 0 and #found or math.min(#found, offset + limit) do
        page[#page + 1] = found[number].key
    end
end

local known, rows = fields({ 'p', 'd' }, indexes), {}
for _, key in ipairs(page) do
    local row = redis.call('HMGET', row_at(place, key), unpack(known))
    rows[#rows + 1] = key
    for field = 1, #known do
        rows[#rows + 1] = row[field]
    end
end
return rows
