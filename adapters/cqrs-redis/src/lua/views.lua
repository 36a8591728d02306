-- All views, and the number of their rows.
local found, views = {}, redis.call('HGETALL', prefix .. 'views')
for at = 1, #views, 2 do
    found[#found + 1] = { views[at], tostring(redis.call('ZCARD', keys_at(views[at + 1]))) }
end
return found
