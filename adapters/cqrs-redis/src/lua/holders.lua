-- The owners that hold leases: one for each projection, empty if nobody does.
local now, run, owners = milliseconds(), server_run(), {}
for at = 2, #ARGV do
    local held = redis.call('HMGET', prefix .. 'lease:' .. ARGV[at], 'owner', 'until', 'run', 'length')
    owners[#owners + 1] = held[1] and held[3] == run and lasts(held[2], held[4], now) and held[1] or ''
end
return owners
