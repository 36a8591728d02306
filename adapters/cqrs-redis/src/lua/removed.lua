-- Marks of removed rows by key. Arguments: view, fingerprint, keys. Returns key and position of
-- each.
local place, found = place_of(ARGV[2], ARGV[3]), {}
if not place then
    return other_shape(ARGV[2])
end
for at = 4, #ARGV do
    local row = redis.call('HMGET', row_at(place, ARGV[at]), 'p', 'd')
    if row[1] and not row[2] then
        found[#found + 1] = ARGV[at]
        found[#found + 1] = row[1]
    end
end
return found
