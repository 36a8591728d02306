-- A search. Arguments: view, fingerprint, number of indexes, `rows`, `count` or `values`, offset, limit
-- (-1: none), the direction of keys (`asc` or `desc`), `first`, or `at` or `after` and the key of the
-- place to start at, number of orders, for each the index and `asc` or `desc` (and its value at that
-- place), and the filter in postfix order: `range`, index, number, pairs of bounds; `one`, index,
-- number, values; `all` or `any`, number of parts; `every`. `values` counts the values of the one index
-- that orders, after its value. Multi-valued indexes are numbered after those of one value.
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

-- The sorted set of an index, or of all keys. A compound index is named by its number, a colon and how
-- many values come before the key.
local function set_of(index)
    return index == 'keys' and keys_at(place) or index_at(place, string.match(index, '^%d+'))
end

local function key_of(member, index)
    if index == 'keys' then
        return member
    end
    local at = 1
    for _ = 1, tonumber(string.match(index, ':(%d+)$') or 1) do
        local kind = string.byte(member, at)
        if kind == 1 then
            at = at + 1
        elseif kind == 2 then
            at = at + 2
        elseif kind == 5 then
            local _, stop = string.find(member, '\0\0', at + 1, true)
            at = stop + 1
        else
            at = at + 9
        end
    end
    return string.sub(member, at)
end

local function is_multi(index)
    local number = tonumber(index)
    return number and number >= indexes
end

-- What comes before the key in an index of one value.
local function value_of(key, index)
    return index == 'keys' and '' or redis.call('HGET', row_at(place, key), 'i' .. string.match(index, '^%d+'))
end

-- What comes before the key in each of a row's members in an index.
local function values_of(key, index)
    local field = value_of(key, index)
    return is_multi(index) and values_in(field) or { field }
end

-- The range of a value in an index. No key contains the byte 255.
local function range_of(value)
    return { '[' .. value, '(' .. value .. '\255' }
end

-- How many members the ranges have, exactly.
local function measure(condition)
    condition.ranges, condition.size = {}, 0
    for value in pairs(condition.values) do
        local range = range_of(value)
        range.size = redis.call('ZLEXCOUNT', set_of(condition.index), range[1], range[2])
        if range.size > 0 then
            condition.ranges[#condition.ranges + 1], condition.size = range, condition.size + range.size
        end
    end
end

-- About how many, from some of the values: to count those of thousands takes longer than to read a page.
local SAMPLE = 50
local function estimate(condition, list)
    local size = 0
    for sample = 1, SAMPLE do
        local range = range_of(list[math.ceil(sample * #list / SAMPLE)])
        size = size + redis.call('ZLEXCOUNT', set_of(condition.index), range[1], range[2])
    end
    condition.size = math.max(1, size * #list / SAMPLE)
end

-- The keys that match a condition. Those of a range are fetched on demand.
local function keys_of(condition)
    if condition.values and not condition.ranges then
        measure(condition)
    end
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

-- Whether a row meets a condition, without fetching all that do.
local function takes(condition, key)
    if condition.keys then
        return condition.keys[key]
    elseif condition.values and is_multi(condition.index) then
        for value in pairs(condition.values) do
            if redis.call('ZSCORE', set_of(condition.index), value .. key) then
                return true
            end
        end
        return false
    elseif condition.values then
        return condition.values[value_of(key, condition.index)]
    end
    -- By its rank in the index.
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
        if not next.values and not next.keys and #next.ranges > 4 or next.size <= 4 * found.size then
            keys_of(next)
        end
        for key in pairs(keys_of(found)) do
            if takes(next, key) then
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
    elseif kind == 'one' then
        local condition, list = { index = ARGV[at + 1], values = {} }, {}
        local number = tonumber(ARGV[at + 2])
        for place = 1, number do
            list[place] = ARGV[at + 2 + place]
            condition.values[list[place]] = true
        end
        if asked == 'rows' and number > 2 * SAMPLE and not is_multi(condition.index) then
            estimate(condition, list)
        else
            measure(condition)
        end
        stack[#stack + 1] = condition
        at = at + 3 + number
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
        elseif kind == 'all' and #parts == 1 then
            stack[#stack + 1] = parts[1]
        elseif kind == 'all' and not ARGV[at + 2] then
            -- The whole filter: a page may need few of the rows that meet it.
            stack[#stack + 1] = { parts = parts }
        else
            stack[#stack + 1] = kind == 'all' and all(parts) or any(parts)
        end
        at = at + 2
    end
end
local filter = stack[1]

-- The conditions that rows must meet all. The one that the fewest rows meet comes first.
local conditions = filter.parts or { filter }
table.sort(conditions, function(a, b)
    return (a.size or 0) < (b.size or 0)
end)

local function resolve()
    if filter.parts then
        filter = all(filter.parts)
    end
end

if asked == 'count' then
    resolve()
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
            local value = string.sub(member, 1, #member - #key_of(member, orders[1].index))
            counts[#counts + 1] = { value, redis.call('ZLEXCOUNT', index, '[' .. value, '(' .. value .. '\255') }
            from = '[' .. value .. '\255'
        end
        return counts
    end
    resolve()
    local by_value, values = {}, {}
    for key in pairs(keys_of(filter)) do
        for _, value in ipairs(values_of(key, orders[1].index)) do
            if not by_value[value] then
                values[#values + 1] = { value, redis.call('ZRANK', index, value .. key) }
            end
            by_value[value] = (by_value[value] or 0) + 1
        end
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

-- Part of the members of one range of a sorted set, in its order.
local function members_between(set, from, to, first, most)
    if descends then
        return redis.call('ZREVRANGEBYLEX', set, to, from, 'LIMIT', first, most)
    end
    return redis.call('ZRANGEBYLEX', set, from, to, 'LIMIT', first, most)
end

-- The bounds of the members of a range that come after the start.
local function after_start(set, from, to, start)
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
    return from, to
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

-- The keys of a page, from one pass over the index that orders it: where many rows meet the conditions,
-- few have to be looked at. Returns nothing if that would be slower than to sort all that meet them.
local function walked()
    if filter.every or limit < 0 or #orders > 1 or #orders == 1 and orders[1].descends ~= descends then
        return nil
    end
    local index = #orders == 1 and orders[1].index or 'keys'
    local set, from, to, checked = set_of(index), '-', '+', {}
    for _, condition in ipairs(conditions) do
        if condition.ranges and #condition.ranges == 1 and condition.index == index and from == '-' and to == '+' then
            from, to = condition.ranges[1][1], condition.ranges[1][2]
        else
            checked[#checked + 1] = condition
        end
    end
    local rows, wanted, few = redis.call('ZLEXCOUNT', set, from, to), offset + limit, conditions[1].size
    local every, share = redis.call('ZCARD', keys_at(place)), 1
    for _, condition in ipairs(checked) do
        share = share * condition.size / every
    end
    local most = math.min(rows, wanted / share) * math.max(1, #checked)
    if most > 3 * few then
        return nil
    end
    from, to = after_start(set, from, to, start_key and (#orders == 1 and orders[1].start or '') .. start_key)
    local found, looked_at, part = {}, 0, math.max(20, math.min(200, math.ceil(wanted / share)))
    while #found < wanted do
        local members = members_between(set, from, to, 0, part)
        for _, member in ipairs(members) do
            local key, taken = key_of(member, index), true
            for _, condition in ipairs(checked) do
                taken = taken and takes(condition, key)
            end
            if taken and #found < wanted then
                found[#found + 1] = key
            end
        end
        looked_at = looked_at + #members
        if #members < part then
            break
        elseif looked_at > 1000 + 4 * most and looked_at < rows and #found < wanted then
            -- The rows that meet them are far behind.
            return nil
        end
        local last = '(' .. members[#members]
        from, to = descends and from or last, descends and last or to
    end
    local page = {}
    for number = offset + 1, #found do
        page[#page + 1] = found[number]
    end
    return page
end

local page
if limit == 0 or conditions[1].size == 0 and not filter.every then
    return {}
end
local index, from, to, value = one_range()
if index then
    local set = set_of(index)
    from, to = after_start(set, from, to, start_key and value .. start_key)
    page = {}
    for number, member in ipairs(members_between(set, from, to, offset, limit)) do
        page[number] = key_of(member, index)
    end
else
    page = walked()
end
if not page then
    page = {}
    resolve()
    -- Values are compared by their rank in the index: Lua compares texts by the server's locale.
    local found, start = {}, { key = start_key }
    local function add(key)
        local row = { key = key, rank = redis.call('ZRANK', keys_at(place), key) }
        for number, order in ipairs(orders) do
            local value = value_of(key, order.index)
            row[number] = { value, redis.call('ZRANK', set_of(order.index), value .. key) }
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
            local set = set_of(order.index)
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
