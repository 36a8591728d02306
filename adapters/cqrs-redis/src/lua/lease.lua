-- Acquires or renews leases. Arguments: owner, milliseconds, projections. Returns a token for each,
-- empty if another owner holds it.
local owner, time = ARGV[2], tonumber(ARGV[3])
local now, run, clock = milliseconds(), server_run(), redis.call('TIME')
-- From the clock, so that a server that has lost all data gives out no token twice.
local fresh = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local tokens = {}
for at = 4, #ARGV do
    local lease = prefix .. 'lease:' .. ARGV[at]
    local held = redis.call('HMGET', lease, 'owner', 'token', 'until', 'run', 'length')
    local is_own = held[1] == owner
    if held[2] and not is_own and lasts(held[3], held[5] or time, now) then
        tokens[#tokens + 1] = ''
    else
        local token = held[2]
        if not token or not is_own or held[4] ~= run then
            token = string.format('%.0f', math.max(fresh, tonumber(token or 0) + 1))
        end
        redis.call('HSET', lease, 'owner', owner, 'token', token, 'run', run,
            'until', string.format('%.0f', now + time), 'length', string.format('%.0f', time))
        tokens[#tokens + 1] = token
    end
end
return tokens
