-- Removes views and projections, unless a lease ran out too recently. Arguments: lease,
-- milliseconds, number of views, views, projections. Returns the number of unused places, or a
-- negative number if nothing was removed.
local mark, unused, number = prefix .. 'lease:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local ends = redis.call('HGET', mark, 'until')
if ends and milliseconds() - tonumber(ends) < unused then
    return -1
end
for at = 5, 4 + number do
    discard(redis.call('HGET', prefix .. 'views', ARGV[at]))
    discard(redis.call('HGET', prefix .. 'pending', ARGV[at]))
    for _, name in ipairs({ 'views', 'shapes', 'pending' }) do
        redis.call('HDEL', prefix .. name, ARGV[at])
    end
end
for at = 5 + number, #ARGV do
    redis.call('HDEL', prefix .. 'checkpoints', ARGV[at])
    local start = #ARGV[at] .. ':' .. ARGV[at]
    for _, field in ipairs(redis.call('HKEYS', prefix .. 'parked')) do
        if string.sub(field, 1, #start) == start then
            redis.call('HDEL', prefix .. 'parked', field)
        end
    end
end
redis.call('DEL', mark)
return redis.call('SCARD', prefix .. 'garbage')
