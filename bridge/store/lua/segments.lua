-- Segments of long MOs, held until the whole is there or their wait is over.
--
-- One set is a hash, and its key a member of the list of what is due from its first part until it is published. A
-- number with a tag but no body is published, or about to be: its repeats are known. What is handed out with a segment
-- missing goes under a key of its own, and so does what is in the way of other content: what comes later is no part of
-- it.
--
--   event   id of the event of what is held: that of the first part
--   total   of segments
--   held    how many bodies
--   t<n>    tag of segment n
--   b<n>    its body
--   owner   who publishes it, until
--   till    this deadline, in ms
--   home    only under a key of its own: the key it was under before

local function look(key, number)
  local names = {'event', 'total', 'held', 'owner', 'till', 't' .. number, 'b' .. number}
  local values, set = redis.call('HMGET', key, unpack(names)), {}
  for i, name in ipairs({'event', 'total', 'held', 'owner', 'till', 'tag', 'body'}) do set[name] = values[i] end
  set.held, set.till = tonumber(set.held or 0), tonumber(set.till or 0)
  return set.total and set
end

local function has_all(key, total)
  for n = 1, tonumber(total) do
    if redis.call('HEXISTS', key, 't' .. n) == 0 then return false end
  end
  return true
end

local function numbers_of(fields)
  local numbers = {}
  for name in pairs(fields) do
    local number = string.match(name, '^b(%d+)$')
    if number then numbers[#numbers + 1] = tonumber(number) end
  end
  table.sort(numbers)
  return numbers
end

-- Hands out what is held, to this owner alone until its lease passes. The caller has seen that something is.
local function hand_out(key, owner, lease_ms)
  local fields, bodies = read_hash(key), {}
  for i, n in ipairs(numbers_of(fields)) do bodies[i] = fields['b' .. n] end
  redis.call('HSET', key, 'owner', owner, 'till', after(lease_ms))
  enlist(DUE_SETS, key, after(lease_ms))
  return fields.event, bodies
end

-- Puts what is held under a key of its own, where it falls due as soon as nobody is publishing it.
local function put_aside(key, set)
  local aside = key .. ':' .. set.event
  redis.call('RENAME', key, aside)
  redis.call('HSET', aside, 'home', key)
  delist(DUE_SETS, key)
  enlist(DUE_SETS, aside, string.format('%d', math.max(now, set.till)))
  return aside
end

local function forget(key)
  redis.call('DEL', key)
  delist(DUE_SETS, key)
end

local function hold(key, set, number, total, tag, body, event_id, wait_ms, keep_ms)
  if set.held == 0 then
    redis.call('HSET', key, 'event', event_id, 'total', total)
    enlist(DUE_SETS, key, after(wait_ms))
  end
  redis.call('HSET', key, 't' .. number, tag, 'b' .. number, body, 'held', set.held + 1)
  keep(key, math.max(retention, wait_ms + keep_ms))
end

-- Reply: verdict, or {'complete', event id, bodies}
function operations.segment()
  local key, number, total, tag, body, event_id, owner, lease_ms, wait_ms, keep_ms = take(10)
  local set = look(key, number)
  if set and (set.total ~= total or (set.tag and set.tag ~= tag)) then
    if set.held > 0 then put_aside(key, set) else forget(key) end
    set = nil
  end
  set = set or {held = 0, till = 0}
  if set.tag and not set.body then return 'repeat' end
  if not set.tag then hold(key, set, number, total, tag, body, event_id, wait_ms, keep_ms) end
  if not has_all(key, total) then return 'held' end
  if set.till > now and set.owner ~= owner then return 'busy' end
  return {'complete', hand_out(key, owner, lease_ms)}
end

-- Under a key of its own there is nothing more to know; where it was before, the tags are still kept for a while.
function operations.published()
  local key, event_id, keep_ms = take(3)
  if redis.call('HGET', key, 'event') ~= event_id then key = key .. ':' .. event_id end
  local fields = read_hash(key)
  if fields.event ~= event_id then return 1 end
  if fields.home then
    forget(key)
    if redis.call('HGET', fields.home, 'held') == '0' then keep(fields.home, keep_ms) end
    return 1
  end
  for _, n in ipairs(numbers_of(fields)) do redis.call('HDEL', key, 'b' .. n) end
  redis.call('HSET', key, 'held', 0)
  delist(DUE_SETS, key)
  keep(key, keep_ms)
  return 1
end

function operations.give_up()
  local key, owner = take(2)
  local fields = read_hash(key)
  if fields.owner == owner and fields.held ~= '0' then
    redis.call('HSET', key, 'till', 0)
    enlist(DUE_SETS, key, after(0))
  end
  return 1
end

-- Of a set of which something is missing only the tags stay: what comes later begins anew.
local function part_from(key, fields)
  local aside = put_aside(key, {event = fields.event, till = 0})
  redis.call('HSET', key, 'total', fields.total, 'held', 0)
  for name, value in pairs(fields) do
    if string.find(name, '^t%d+$') then redis.call('HSET', key, name, value) end
  end
  keep(key)
  return aside
end

-- Key, event id and bodies of a set that is due; nil if nothing is held of it any more.
local function take_due(key, owner, lease_ms)
  local fields = read_hash(key)
  if (tonumber(fields.held) or 0) == 0 then
    delist(DUE_SETS, key)
    return nil
  end
  if not fields.home and not has_all(key, fields.total) then key = part_from(key, fields) end
  return {key, hand_out(key, owner, lease_ms)}
end

-- What cannot be read is told to nobody, and is looked at again when its lease has passed. Reply: {key, event id,
-- bodies}...
function operations.due_sets()
  local limit, lease_ms, owner = take(3)
  local found = {}
  for _, key in ipairs(due(DUE_SETS, limit)) do
    enlist(DUE_SETS, key, after(lease_ms))
    local readable, set = pcall(take_due, key, owner, lease_ms)
    if readable then
      found[#found + 1] = set
    end
  end
  return found
end
