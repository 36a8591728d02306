-- A search. Arguments: view, fingerprint, number of indexes, `rows`, `count` or `values`, offset, limit
-- (-1: none), the direction of keys (`asc` or `desc`), `first`, or `at` or `after` and the key of the
-- place to start at, number of orders, for each the index and `asc` or `desc` (and its value at that
-- place), and the filter in postfix order: `range`, index, number, pairs of bounds; `all` or `any`,
-- number of parts; `every`. `values` counts the values of the one index that orders, after its value.
local view, indexes, asked = ARGV[2], tonumber(ARGV[4]), ARGV[5]
local offset, limit, descends, starts, at = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == 'desc', ARGV[9], 10
local place = place_of(view, ARGV[3])
if not place then
    return other_shape(view)
end
local start_key
if starts ~= 'first' then
    start_key = ARGV[at]
    at = at + 1
end
local number_of_orders, orders = tonumber(ARGV[at]), {}
at = at + 1
for order = 1, number_of_orders do
    orders[order] = { index = ARGV[at], descends = ARGV[at + 1] == 'desc' }
    at = at + 2
    if start_key then
        orders[order].start = ARGV[at]
        at = at + 1
    end
end

-- The sorted set of an index, or of all keys.
local function set_of(index)
    return index == 'keys' and keys_at(place) or index_at(place, index)
end

local function key_of(member, index)
    if index == 'keys' then
        return member
    end
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

-- What comes before the key in an index.
local function value_of(key, index)
    return index == 'keys' and '' or redis.call('HGET', row_at(place, key), 'i' .. index)
end

-- The keys that match a condition. Those of a range are fetched on demand.
local function keys_of(condition)
    if not condition.keys then
        condition.keys, condition.size = {}, 0
        for _, range in ipairs(condition.ranges) do
            local members = redis.call('ZRANGEBYLEX', set_of(condition.index), range[1], range[2])
            for _, member in ipairs(members) do
                local key = key_of(member, condition.index)
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
    local index = set_of(condition.index)
    local rank = redis.call('ZRANK', index, value_of(key, condition.index) .. key)
    for _, range in ipairs(condition.ranges) do
        if not range.from then
            local opposite = string.sub(range[1], 1, 1) == '[' and '(' or '['
            range.from = range[1] == '-' and 0
                or redis.call('ZLEXCOUNT', index, '-', opposite .. string.sub(range[1], 2))
        end
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
        for _ = 1, number do
            local size = redis.call('ZLEXCOUNT', set_of(condition.index), ARGV[at], ARGV[at + 1])
            if size > 0 then
                condition.ranges[#condition.ranges + 1] = { ARGV[at], ARGV[at + 1], size = size }
                condition.size = condition.size + size
            end
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

if asked == 'count' then
    if filter.every then
        return redis.call('ZCARD', keys_at(place))
    elseif not filter.ranges or #filter.ranges > 1 then
        keys_of(filter)
    end
    return filter.size
end

if asked == 'values' then
    local index, counts = index_at(place, orders[1].index), {}
    if filter.every then
        -- Value by value. No key contains the byte 255.
        local from = orders[1].start == '' and '-' or '[' .. orders[1].start .. '\255'
        while #counts < limit do
            local member = redis.call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, 1)[1]
            if not member then
                break
            end
            local value = string.sub(member, 1, #member - #key_of(member))
            counts[#counts + 1] = { value, redis.call('ZLEXCOUNT', index, '[' .. value, '(' .. value .. '\255') }
            from = '[' .. value .. '\255'
        end
        return counts
    end
    local by_value, values = {}, {}
    for key in pairs(keys_of(filter)) do
        local value = value_of(key, orders[1].index)
        if not by_value[value] then
            values[#values + 1] = { value, redis.call('ZRANK', index, value .. key) }
        end
        by_value[value] = (by_value[value] or 0) + 1
    end
    table.sort(values, function(a, b)
        return a[2] < b[2]
    end)
    local passed = orders[1].start == '' and 0
        or redis.call('ZLEXCOUNT', index, '-', '(' .. orders[1].start .. '\255')
    for _, value in ipairs(values) do
        if value[2] >= passed and #counts < limit then
            counts[#counts + 1] = { value[1], by_value[value[1]] }
        end
    end
    return counts
end

-- The members of one range of a sorted set, in its order, after the start.
local function members_of(set, from, to, start)
    if start then
        local bound = (starts == 'at' and '[' or '(') .. start
        -- The range's own bound counts where the start is outside of the range.
        local before = redis.call('ZLEXCOUNT', set, from, to)
        if descends then
            to = redis.call('ZLEXCOUNT', set, from, bound) < before and bound or to
        else
            from = redis.call('ZLEXCOUNT', set, bound, to) < before and bound or from
        end
    end
    if descends then
        return redis.call('ZREVRANGEBYLEX', set, to, from, 'LIMIT', offset, limit)
    end
    return redis.call('ZRANGEBYLEX', set, from, to, 'LIMIT', offset, limit)
end

-- The value before the key in all members of a range, if it is one.
local function single_value(condition)
    local set, range = set_of(condition.index), condition.ranges[1]
    local first = redis.call('ZRANGEBYLEX', set, range[1], range[2], 'LIMIT', 0, 1)[1]
    local last = redis.call('ZREVRANGEBYLEX', set, range[2], range[1], 'LIMIT', 0, 1)[1]
    local function value(member)
        return string.sub(member, 1, #member - #key_of(member, condition.index))
    end
    return value(first) == value(last) and value(first) or nil
end

-- Whether one range of one sorted set has the rows in their order. Returns the index, the bounds, and
-- what comes before the key of the start.
local function one_range()
    local is_one = filter.ranges and #filter.ranges == 1
    if #orders == 0 and is_one then
        local value = single_value(filter)
        if value then
            return filter.index, filter.ranges[1][1], filter.ranges[1][2], value
        end
    end
    if #orders > 1 or #orders == 1 and orders[1].descends ~= descends then
        return nil
    end
    local index = #orders == 1 and orders[1].index or 'keys'
    local value = #orders == 1 and orders[1].start or ''
    if filter.every then
        return index, '-', '+', value
    elseif is_one and filter.index == index then
        return index, filter.ranges[1][1], filter.ranges[1][2], value
    end
    return nil
end

local page = {}
if limit == 0 or filter.size == 0 and not filter.every then
    return page
end
local index, from, to, value = one_range()
if index then
    local members = members_of(set_of(index), from, to, start_key and value .. start_key)
    for number, member in ipairs(members) do
        page[number] = key_of(member, index)
    end
else
    -- Values are compared by their rank in the index: Lua compares texts by the server's locale.
    local found, start = {}, { key = start_key }
    local function add(key)
        local row = { key = key, rank = redis.call('ZRANK', keys_at(place), key) }
        for number, order in ipairs(orders) do
            local value = value_of(key, order.index)
            row[number] = { value, redis.call('ZRANK', index_at(place, order.index), value .. key) }
        end
        found[#found + 1] = row
    end
    local function before(a, b)
        for number, order in ipairs(orders) do
            if a[number][1] ~= b[number][1] then
                return (a[number][2] < b[number][2]) ~= order.descends
            end
        end
        if descends then
            return a.rank > b.rank
        end
        return a.rank < b.rank
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
    if start_key then
        -- There may be no row at the start: its ranks are between those of rows.
        start.rank = redis.call('ZLEXCOUNT', keys_at(place), '-', '(' .. start_key) - 0.5
        if redis.call('ZRANK', keys_at(place), start_key) then
            start.rank = start.rank + 0.5
        end
        for number, order in ipairs(orders) do
            local set = index_at(place, order.index)
            start[number] = { order.start, redis.call('ZLEXCOUNT', set, '-', '(' .. order.start) - 0.5 }
        end
        local after = {}
        for _, row in ipairs(found) do
            if before(start, row) or starts == 'at' and not before(row, start) then
                after[#after + 1] = row
            end
        end
        found = after
    end
    table.sort(found, before)
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
