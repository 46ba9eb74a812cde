// The one script that Redis runs: every operation over all buckets in one step, on Redis's own clock. It only
// adds and compares integers below 2^53; what they mean is decided before and after it.
import { createHash } from 'node:crypto'

/** Part of every key: a change of the script that reads state differently gets a new one. */
export const version = 'v1'

/**
 * KEYS[1]  the claim, or the booking         string: o(pen) | c(losed)
 * KEYS[2…] the buckets                       rate: string, µs at which it is empty; quota: string, what was
 *                                            spent; seats: sorted set, claim -> µs at which it lapses
 * ARGV     operation, id, life of a seat in µs, life of a claim in ms, then four for each bucket:
 *          type r | q | s, amount, bound, and the end of a quota in ms since 1970 (0 is never)
 *
 * Answers {said, now in µs, filled before of each bucket}; said is
 *   admit   1 passed, 0 refused, -1 the id was used
 *   settle, book   1 counted, 0 counted before or never admitted
 */
export const script = `-- switchyard limits ${version}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local operation, id = ARGV[1], ARGV[2]
local seat, life = tonumber(ARGV[3]), ARGV[4]
local most = 2 ^ 52
local function whole(number) return string.format('%.0f', number) end

local function held(i)
  local kind, key = ARGV[i * 4 + 1], KEYS[i + 1]
  if kind == 's' then return redis.call('ZCOUNT', key, '(' .. whole(now), '+inf') end
  local value = tonumber(redis.call('GET', key) or '0')
  if kind == 'r' then return math.max(0, value - now) end
  return value
end

local function hold(i, filled)
  local kind, key = ARGV[i * 4 + 1], KEYS[i + 1]
  if kind == 'r' then
    if filled <= 0 then redis.call('DEL', key)
    else redis.call('SET', key, whole(now + filled), 'PX', whole(math.ceil(filled / 1000) + 1000)) end
  else
    redis.call('SET', key, whole(filled))
    local ends = ARGV[i * 4 + 4]
    if ends ~= '0' then redis.call('PEXPIREAT', key, ends) end
  end
end

local function sit(i)
  local key = KEYS[i + 1]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
  redis.call('ZADD', key, whole(now + seat), id)
  redis.call('PEXPIRE', key, whole(seat / 1000 + 1000))
end

local count = #KEYS - 1

if operation == 'admit' then
  local answer, passed = { 1, now }, true
  for i = 1, count do
    local filled, cost = held(i), tonumber(ARGV[i * 4 + 2])
    answer[i + 2] = filled
    if cost > 0 and filled + cost > tonumber(ARGV[i * 4 + 3]) then passed = false end
  end
  if not passed then answer[1] = 0 return answer end
  if not redis.call('SET', KEYS[1], 'o', 'NX', 'PX', life) then answer[1] = -1 return answer end
  for i = 1, count do
    if ARGV[i * 4 + 1] == 's' then sit(i)
    else
      local cost = tonumber(ARGV[i * 4 + 2])
      if cost > 0 then hold(i, answer[i + 2] + cost) end
    end
  end
  return answer
end

if operation == 'renew' then
  if redis.call('GET', KEYS[1]) ~= 'o' then return { 0, now } end
  redis.call('PEXPIRE', KEYS[1], life)
  for i = 1, count do sit(i) end
  return { 1, now }
end

if operation == 'settle' then
  if redis.call('GET', KEYS[1]) ~= 'o' then
    redis.call('SET', KEYS[1], 'c', 'PX', life)
    return { 0, now }
  end
  redis.call('DEL', KEYS[1])
elseif not redis.call('SET', KEYS[1], 'c', 'NX', 'PX', life) then
  return { 0, now }
end
for i = 1, count do
  local by = tonumber(ARGV[i * 4 + 2])
  if ARGV[i * 4 + 1] == 's' then redis.call('ZREM', KEYS[i + 1], id)
  elseif by ~= 0 then hold(i, math.min(math.max(0, held(i) + by), most)) end
end
return { 1, now }
`

export const sha = createHash('sha1').update(script).digest('hex')
