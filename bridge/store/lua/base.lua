-- All that bridge asks of Redis: one script, these files in a fixed order, that executes a list of operations in order.
--
-- ARGV: retention_ms, prefix, worker, turn, then for each operation its word and its arguments. The reply is a list
-- with one reply for each. The script may be cut off anywhere (its reply lost, Redis killed, a write refused), so each
-- operation may be executed again, with those behind it: every one of them leaves the same state and gives the same
-- reply then, told apart by owner, receipt, MT or segment. (What gives out leases gives out what is left; an answer and
-- an end, or a giving up, of one MT in one call may then find each other and be told that they are fenced.) But the
-- calls of one worker are executed in order: when one was not answered, its next turn begins, and what comes late from
-- the turn before is refused. The clock is the server's. Keys are not declared as KEYS, some follow from values: one
-- Redis, not a Cluster. All have a TTL.
--
--   mt:<mt_key>                   P|owner|deadline_ms[|reference|state]   claimed by a flight until then
--                                 D|info, F|info                          answered; F: while it was not this flight's
--                                 d|info, f|info                          the same, without an id to correlate
--                                 E|info                                  ended without an answer
--   ref:<counter>                 the last reference drawn for a long MT
--   join:<mt_key>                 hash, of the copy of a long MT that counts (`joining.lua`)
--   id:<provider>:<canonical id>  epoch|mark|digits|segment|body, a line for each MT that had this id, newest first
--                                 mark: + if of an extra copy, then the tag of the final receipt seen, and its claim,
--                                 where that stands here: :deadline_ms:owner, or ! when it is published; or, of an
--                                 MT of one segment, ~ and its last state; or nothing. digits: the MT's destination.
--                                 segment: n/of or nothing. body: = or, if its number began with a plus, + and the
--                                 MT's id, after a ! if a copy may be elsewhere; JSON if there is more to say
--   in:<16 octets>[:<epoch>]      of a message or receipt whose claim stands in no mark:
--                                 P|owner|deadline_ms|event_id
--                                 W|event_id                              safe in a wait queue
--                                 D                                       published
--   in:<16 octets>:mt             claim key of the MT that took it after it was published unmatched
--   un:<provider>:<form of id>    cmsgpack list of receipts published unmatched (`unmatched.lua`)
--   seg:<16 octets>[:<event_id>]  hash, segments of a long MO (`segments.lua`)
--   due:dr                        sorted set of MTs whose receipts are to come, by deadline: s|epoch|id key of a single
--                                 segment, j|join key of a long MT
--   due:mo                        sorted set of keys of sets of segments, by deadline
--   turn:<worker>                 the turn it has come to
--   since                         from when on Redis knows all that it was told; 0: from the beginning

local retention, prefix, worker, turn = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local at = 5
local function take(count)
  at = at + count
  return unpack(ARGV, at - count, at - 1)
end

local operations = {}

local function get(key) return redis.call('GET', key) end
local function put(key, value, ttl_ms) redis.call('SET', key, value, 'PX', ttl_ms or retention) end
-- Only if there is nothing under the key: says whether.
local function put_first(key, value, ttl_ms) return redis.call('SET', key, value, 'PX', ttl_ms or retention, 'NX') end
-- In place of what is there, for as long as that was to live: cheaper.
local function keep_on(key, value) redis.call('SET', key, value, 'KEEPTTL') end
local function keep(key, ttl_ms) redis.call('PEXPIRE', key, ttl_ms or retention) end

local function read_hash(key)
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

-- Few different times are asked for, and to write a number takes as long as to look up a key.
local deadlines = {}
local function after(ms)
  local deadline = deadlines[ms]
  if not deadline then
    deadline = string.format('%d', now + ms)
    deadlines[ms] = deadline
  end
  return deadline
end

-- A pending claim: owner, deadline, and more: reference and state, or event id. nil for any other value.
local function pending(value) return string.match(value, '^P|([^|]*)|(%d+)|?([^|]*)|?(.*)$') end

-- The same question of one owner only, which is answered sooner.
local function is_pending_of(owner, value) return string.sub(value, 1, #owner + 3) == 'P|' .. owner .. '|' end

local function pending_value(owner, deadline, ...) return table.concat({'P', owner, deadline, ...}, '|') end

-- Whether Redis lost what it was told, and MTs of then may still come.

local SINCE, LOST_MS = prefix .. ':since', 3600000

-- `used`: it was told something before.
local function lost_of_late(used)
  local since = tonumber(get(SINCE)) or (used and now or 0)
  put(SINCE, string.format('%d', since), 4 * retention)
  return now - since < LOST_MS
end

-- What is to be looked at when its time has come.

local DUE_RECEIPTS, DUE_SETS = prefix .. ':due:dr', prefix .. ':due:mo'
local listed = {}

local function is_mortal(list)
  if not listed[list] then keep(list) end
  listed[list] = true
end

local function enlist(list, member, deadline)
  redis.call('ZADD', list, deadline, member)
  is_mortal(list)
end

-- A member that is there keeps its deadline.
local function enlist_once(list, member, deadline)
  redis.call('ZADD', list, 'NX', deadline, member)
  is_mortal(list)
end

-- A list without members is gone, and its TTL with it.
local function delist(list, member)
  redis.call('ZREM', list, member)
  listed[list] = nil
end

local function due(list, limit) return redis.call('ZRANGEBYSCORE', list, '-inf', now, 'LIMIT', 0, limit) end
