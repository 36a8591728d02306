-- Finishes a transaction in one step. Arguments: leases, then five lists, each after its length:
-- cleared projections (projection, view or nothing, its fingerprint, its new place), parked keys
-- (field, entry or nothing), checkpoints (projection, checkpoint), builds that replace a view
-- (view, its projection, its fingerprint, and view and projection of the other build), written
-- views (view, its fingerprint).
local lost, at = check_leases()
if lost then
    return taken_over(lost)
end
local function each(width, take)
    local number = tonumber(ARGV[at])
    at = at + 1
    for _ = 1, number do
        take(unpack(ARGV, at, at + width - 1))
        at = at + width
    end
end
local function field_start(projection)
    return #projection .. ':' .. projection
end
local function parked_of(projection, take)
    local start = field_start(projection)
    for _, field in ipairs(redis.call('HKEYS', prefix .. 'parked')) do
        if string.sub(field, 1, #start) == start then
            take(field, string.sub(field, #start + 1))
        end
    end
end
local function forget_parked(projection)
    parked_of(projection, function(field)
        redis.call('HDEL', prefix .. 'parked', field)
    end)
end
local function settle(view, place, fingerprint)
    discard(redis.call('HGET', prefix .. 'views', view))
    redis.call('HSET', prefix .. 'views', view, place)
    redis.call('HSET', prefix .. 'shapes', view, fingerprint)
end

-- Checks the new places before any change.
local first, astray = at, nil
each(4, function(_, view, _, place)
    if view ~= '' and redis.call('HGET', prefix .. 'pending', view) ~= place then
        astray = view
    end
end)
if astray then
    return other_shape(astray)
end
at = first
each(4, function(projection, view, fingerprint, place)
    if view ~= '' then
        settle(view, place, fingerprint)
        redis.call('HDEL', prefix .. 'pending', view)
        unclaim(fingerprint)
    end
    redis.call('HDEL', prefix .. 'checkpoints', projection)
    forget_parked(projection)
end)
each(2, function(field, entry)
    if entry == '' then
        redis.call('HDEL', prefix .. 'parked', field)
    else
        redis.call('HSET', prefix .. 'parked', field, entry)
    end
end)
each(2, function(projection, checkpoint)
    redis.call('HSET', prefix .. 'checkpoints', projection, checkpoint)
end)
each(5, function(live, projection, fingerprint, other, other_projection)
    local place = redis.call('HGET', prefix .. 'views', other)
    if place then
        settle(live, place, fingerprint)
    end
    discard(redis.call('HGET', prefix .. 'pending', other))
    for _, name in ipairs({ 'views', 'shapes', 'pending' }) do
        redis.call('HDEL', prefix .. name, other)
    end
    local reached = redis.call('HGET', prefix .. 'checkpoints', other_projection)
    redis.call('HDEL', prefix .. 'checkpoints', other_projection, projection)
    if reached then
        redis.call('HSET', prefix .. 'checkpoints', projection, string.sub(reached, 1, 21) .. fingerprint .. string.sub(reached, 38))
    end
    forget_parked(projection)
    parked_of(other_projection, function(field, key)
        local entry = redis.call('HGET', prefix .. 'parked', field)
        redis.call('HDEL', prefix .. 'parked', field)
        redis.call('HSET', prefix .. 'parked', field_start(projection) .. key, entry)
    end)
end)
-- Deletes marks of removed rows that the checkpoint has passed, if the leases of their time have
-- run out.
each(2, function(view, fingerprint)
    local place, passed = place_of(view, fingerprint), nil
    for _, checkpoint in ipairs(redis.call('HVALS', prefix .. 'checkpoints')) do
        if string.sub(checkpoint, 22, 37) == fingerprint then
            local position = string.sub(checkpoint, 1, 20)
            if not passed or position < passed then
                passed = position
            end
        end
    end
    if place and passed then
        local due = string.format('%.0f', milliseconds())
        for _, key in ipairs(redis.call('ZRANGEBYSCORE', marks_at(place), '-inf', due, 'LIMIT', 0, 1000)) do
            if redis.call('HGET', row_at(place, key), 'p') <= passed then
                redis.call('DEL', row_at(place, key))
                redis.call('ZREM', marks_at(place), key)
            end
        end
    end
end)
return redis.call('SCARD', prefix .. 'garbage')
