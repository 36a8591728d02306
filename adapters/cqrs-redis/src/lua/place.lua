-- Creates an empty place, which the end of a transaction may give to a view. Arguments: leases,
-- view, number of its indexes.
local lost, at = check_leases()
if lost then
    return taken_over(lost)
end
local view = ARGV[at]
discard(redis.call('HGET', prefix .. 'pending', view))
local place = new_place(ARGV[at + 1])
redis.call('HSET', prefix .. 'pending', view, place)
return place
