-- Creates the place of a view. Arguments: leases, view, fingerprint, number of its indexes.
local lost, at = check_leases()
if lost then
    return taken_over(lost)
end
local view, fingerprint = ARGV[at], ARGV[at + 1]
if place_of(view, fingerprint) then
    return 0
end
discard(redis.call('HGET', prefix .. 'views', view))
discard(redis.call('HGET', prefix .. 'pending', view))
redis.call('HDEL', prefix .. 'pending', view)
redis.call('HSET', prefix .. 'views', view, new_place(ARGV[at + 2]))
redis.call('HSET', prefix .. 'shapes', view, fingerprint)
-- An earlier program with this shape may have left a checkpoint for rows that are gone.
unclaim(fingerprint)
return redis.call('SCARD', prefix .. 'garbage')
