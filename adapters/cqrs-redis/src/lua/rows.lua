-- Rows by key. Arguments: view, fingerprint, number of indexes, keys. Returns key, position,
-- document and indexes of each.
local view, indexes = ARGV[2], tonumber(ARGV[4])
local place = place_of(view, ARGV[3])
if not place then
    return other_shape(view)
end
local known, found = fields({ 'p', 'd' }, indexes), {}
for at = 5, #ARGV do
    local row = redis.call('HMGET', row_at(place, ARGV[at]), unpack(known))
    if row[2] then
        found[#found + 1] = ARGV[at]
        for field = 1, #known do
            found[#found + 1] = row[field]
        end
    end
end
return found
