-- Deletes rows that no view reads any more. Argument: the maximum number of rows. Returns the
-- number of places that are left.
local place, most = redis.call('SRANDMEMBER', prefix .. 'garbage'), tonumber(ARGV[2])
if not place then
    return 0
end
for _, keys in ipairs({ keys_at(place), marks_at(place) }) do
    for _, key in ipairs(redis.call('ZRANGE', keys, 0, most - 1)) do
        redis.call('UNLINK', row_at(place, key))
    end
    redis.call('ZREMRANGEBYRANK', keys, 0, most - 1)
end
if redis.call('EXISTS', keys_at(place), marks_at(place)) == 0 then
    for index = 0, tonumber(string.match(place, '%d+$')) - 1 do
        redis.call('UNLINK', index_at(place, index))
    end
    redis.call('SREM', prefix .. 'garbage', place)
end
return redis.call('SCARD', prefix .. 'garbage')
