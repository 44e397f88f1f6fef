/**
 * Who is in a channel, and on which instance: a sorted set, all scores 0, of members
 * `<user id, percent-encoded> <boot id>`. Sorted by text, the entries of a user are neighbours.
 *
 * As long as a user has an entry, their `presence.joined` was told and their `presence.left` was
 * not: whoever writes the first one tells the former, whoever takes the last one the latter.
 */

/** `!` follows the space: from `[user ` to `(user!` are all entries of the user, and no others. */
const COUNT = `
local function entries(user) return redis.call('ZLEXCOUNT', KEYS[1], '[' .. user .. ' ', '(' .. user .. '!') end`;

/**
 * KEYS[1] the channel
 * ARGV[1] boot id
 * ARGV[2] life of the key without a write, ms
 * ARGV[3…] users, encoded
 *
 * Result: the users who had no entry before
 */
export const ADD = `${COUNT}
local joined = {}
for i = 3, #ARGV do
  if entries(ARGV[i]) == 0 then table.insert(joined, ARGV[i]) end
  redis.call('ZADD', KEYS[1], 0, ARGV[i] .. ' ' .. ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return joined`;

/**
 * KEYS[1] the channel
 * ARGV[1] boot id
 * ARGV[2…] users, encoded
 *
 * Result: the users who have no entry any more
 */
export const REMOVE = `${COUNT}
local left = {}
for i = 2, #ARGV do
  local removed = redis.call('ZREM', KEYS[1], ARGV[i] .. ' ' .. ARGV[1])
  if removed == 1 and entries(ARGV[i]) == 0 then table.insert(left, ARGV[i]) end
end
return left`;

/**
 * KEYS[1] the channel
 * ARGV[1…] boot ids of dead instances
 *
 * Result: the users who have no entry any more
 */
export const PURGE = `${COUNT}
local dead, left = {}, {}
for _, boot in ipairs(ARGV) do dead[boot] = true end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local user, boot = string.match(member, '^(%S+) (%S+)$')
  if dead[boot] then
    redis.call('ZREM', KEYS[1], member)
    if entries(user) == 0 then table.insert(left, user) end
  end
end
return left`;
