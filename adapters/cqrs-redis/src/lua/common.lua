-- Functions that the scripts share. The first argument is the prefix of every key.
local prefix = ARGV[1]

local function row_at(place, key)
    return prefix .. 'place:' .. place .. ':row:' .. key
end

-- The keys of a place's rows, and those of its removed rows, sorted by when they may be forgotten.
local function keys_at(place)
    return prefix .. 'place:' .. place .. ':keys'
end

local function marks_at(place)
    return prefix .. 'place:' .. place .. ':marks'
end

-- The rows of a place by an indexed field: each member is a value, encoded to sort by its bytes, and
-- the key. A row has one member in an index of one value, and one for each value in a multi-valued one.
local function index_at(place, index)
    return prefix .. 'place:' .. place .. ':index:' .. index
end

-- The values in the field of a multi-valued index: each after its length.
local function values_in(list)
    local values, at = {}, 1
    while at <= #list do
        local colon = string.find(list, ':', at, true)
        local stop = colon + tonumber(string.sub(list, at, colon - 1))
        values[#values + 1] = string.sub(list, colon + 1, stop)
        at = stop + 1
    end
    return values
end

local function fields(names, indexes)
    for index = 0, indexes - 1 do
        names[#names + 1] = 'i' .. index
    end
    return names
end

-- The place of a view's rows, if the view has this shape.
local function place_of(view, fingerprint)
    if redis.call('HGET', prefix .. 'shapes', view) ~= fingerprint then
        return nil
    end
    return redis.call('HGET', prefix .. 'views', view) or nil
end

local function other_shape(view)
    return redis.error_reply('CQRSSHAPE ' .. view)
end

-- A new place for rows. Its name ends with the number of its indexes.
local function new_place(indexes)
    return redis.call('INCR', prefix .. 'places') .. '.' .. indexes
end

local function discard(place)
    if place then
        redis.call('SADD', prefix .. 'garbage', place)
    end
end

-- Removes the checkpoints of all projections that fill a view of this shape.
local function unclaim(fingerprint)
    local checkpoints = redis.call('HGETALL', prefix .. 'checkpoints')
    for at = 1, #checkpoints, 2 do
        if string.sub(checkpoints[at + 1], 22, 37) == fingerprint then
            redis.call('HDEL', prefix .. 'checkpoints', checkpoints[at])
        end
    end
end

-- A server that was restarted or replaced may have lost the last writes that this one acknowledged.
local function server_run()
    return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

-- Checks leases: the second argument is their number, and pairs of projection and token follow.
-- Returns the projection of a lease that is not the newest, if any. Otherwise it returns the index
-- of the next argument, and when the last lease runs out.
local function check_leases()
    local number, last = tonumber(ARGV[2]), 0
    local run = number > 0 and server_run()
    for lease = 1, number do
        local projection, token = ARGV[1 + 2 * lease], ARGV[2 + 2 * lease]
        local held = redis.call('HMGET', prefix .. 'lease:' .. projection, 'token', 'run', 'until')
        if held[1] ~= token or held[2] ~= run then
            return projection
        end
        last = math.max(last, tonumber(held[3]))
    end
    return nil, 3 + 2 * number, last
end

local function taken_over(projection)
    return redis.error_reply('CQRSLOST ' .. projection)
end

local function milliseconds()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Whether a lease has not run out. It is trusted for no longer than its own length, plus a second
-- for small clock corrections.
local function lasts(till, length, now)
    local left = tonumber(till) - now
    return left > 0 and (not length or left <= tonumber(length) + 1000)
end
