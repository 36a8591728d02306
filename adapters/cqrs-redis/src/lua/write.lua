-- Puts and removes rows. None replaces a later one. Arguments: leases, view, fingerprint, the place
-- if it is not the view's yet, number of indexes of one value, of multi-valued indexes, and of compound
-- indexes, which are numbered in this order, and for each row: `put`, key, position, document, and the
-- value or the list of each index, or `remove`, key, position.
local lost, at, last = check_leases()
if lost then
    return taken_over(lost)
end
local view, fingerprint, place, single = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
local compounds_from = single + tonumber(ARGV[at + 4])
local indexes = compounds_from + tonumber(ARGV[at + 5])
if place == '' then
    place = place_of(view, fingerprint)
elseif redis.call('HGET', prefix .. 'pending', view) ~= place then
    place = nil
end
if not place then
    return other_shape(view)
end
local known = fields({ 'p', 'd' }, indexes)
local forget_at = string.format('%.0f', math.max(last, milliseconds()))
at = at + 6

-- The values of a row in an index, from its field.
local function values_of(field, index)
    if not field then
        return {}
    end
    return (index < single or index >= compounds_from) and { field } or values_in(field)
end

while ARGV[at] do
    local puts, key, position = ARGV[at] == 'put', ARGV[at + 1], ARGV[at + 2]
    local row = row_at(place, key)
    local stored = redis.call('HMGET', row, unpack(known))
    -- Positions have a fixed number of digits.
    if not (stored[1] and stored[1] > position) then
        for index = 0, indexes - 1 do
            local before, after = stored[2] and stored[3 + index], puts and ARGV[at + 4 + index]
            if before ~= after then
                local added = {}
                for _, value in ipairs(values_of(after, index)) do
                    added[value] = true
                end
                for _, value in ipairs(values_of(before, index)) do
                    if added[value] then
                        added[value] = nil
                    else
                        redis.call('ZREM', index_at(place, index), value .. key)
                    end
                end
                for value in pairs(added) do
                    redis.call('ZADD', index_at(place, index), 0, value .. key)
                end
                if after then
                    redis.call('HSET', row, 'i' .. index, after)
                end
            end
        end
        if puts then
            redis.call('HSET', row, 'p', position, 'd', ARGV[at + 3])
            redis.call('ZADD', keys_at(place), 0, key)
            redis.call('ZREM', marks_at(place), key)
        else
            redis.call('DEL', row)
            redis.call('HSET', row, 'p', position)
            redis.call('ZREM', keys_at(place), key)
            redis.call('ZADD', marks_at(place), forget_at, key)
        end
    end
    at = at + (puts and 4 + indexes or 3)
end
return 0
