-- Ends leases now, if they are still the newest. Arguments: pairs of projection and token.
for at = 2, #ARGV, 2 do
    local lease = prefix .. 'lease:' .. ARGV[at]
    if redis.call('HGET', lease, 'token') == ARGV[at + 1] then
        redis.call('HSET', lease, 'until', '0')
    end
end
return 0
