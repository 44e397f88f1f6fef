/**
 * A heartbeat; it also strikes off whoever has gone silent.
 *
 * While nobody at all beats, it is Redis that was away, not everyone else: time stands still then,
 * lest the first one that is back declares all others dead. So it does when the clock has gone back,
 * or is that of another Redis: those who had beaten would not die before it has caught up.
 *
 * KEYS[1] beats: sorted set of boot ids by their last beat (ms, by the clock of Redis)
 * KEYS[2] statuses: hash of boot id to JSON
 * KEYS[3] epoch: a string that changes when Redis loses its data
 * ARGV[1] boot id
 * ARGV[2] status, JSON
 * ARGV[3] '1' to enter the registry; else a boot id that was struck off stays so
 * ARGV[4] the boot id that this one replaces, or ''
 * ARGV[5] silence after which an instance is dead, ms
 * ARGV[6] silence of all that is not theirs, ms
 * ARGV[7] an epoch, if there is none
 * ARGV[8] life of the epoch without a beat, ms
 *
 * Result: {} when struck off, else {epoch, boot ids that are alive …}
 */
export const BEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {} end
local newest = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or now)
if newest > now or now - newest > tonumber(ARGV[6]) then
  for _, boot in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[1], now, boot) end
end
for _, boot in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[5])) do
  redis.call('ZREM', KEYS[1], boot)
  redis.call('HDEL', KEYS[2], boot)
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[4] ~= '' then redis.call('HDEL', KEYS[2], ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('SET', KEYS[3], ARGV[7], 'NX')
redis.call('PEXPIRE', KEYS[3], ARGV[8])
local result = redis.call('ZRANGE', KEYS[1], 0, -1)
table.insert(result, 1, redis.call('GET', KEYS[3]))
return result`;

/**
 * Everyone who beats and did not say goodbye.
 *
 * KEYS[1] beats, KEYS[2] statuses: as above
 * ARGV[1] silence after which an instance is dead, ms
 *
 * Result: {last beat (ms), status (JSON), …}
 */
export const LIST = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local result = {}
local beats = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. (now - ARGV[1]), '+inf', 'WITHSCORES')
for i = 1, #beats, 2 do
  local status = redis.call('HGET', KEYS[2], beats[i])
  if status then
    table.insert(result, beats[i + 1])
    table.insert(result, status)
  end
end
return result`;
