-- Makes room for a view: its name, its fingerprint, the number of its indexes.
local view, fingerprint = ARGV[2], ARGV[3]
if place_of(view, fingerprint) then
    return 0
end
discard(redis.call('HGET', prefix .. 'views', view))
discard(redis.call('HGET', prefix .. 'pending', view))
redis.call('HDEL', prefix .. 'pending', view)
redis.call('HSET', prefix .. 'views', view, new_place(ARGV[4]))
redis.call('HSET', prefix .. 'shapes', view, fingerprint)
-- Left by an earlier program of this shape: it claims rows that are gone.
unclaim(fingerprint)
return redis.call('SCARD', prefix .. 'garbage')
