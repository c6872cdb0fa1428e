-- All that bridge asks of Redis, as one script that executes a list of operations in order.
--
-- ARGV: retention_ms, then for each operation its word and its arguments. The reply is a list with one reply for each.
-- The script may be cut off anywhere (its reply lost, Redis killed, a write refused), so each operation may be
-- executed again: every one of them leaves the same state and gives the same reply then, told apart by owner, receipt
-- or MT. The clock is the server's. Keys are not declared as KEYS, some follow from values: one Redis, not a Cluster.
--
--   <prefix>:mt:<mt_key>                P|owner|deadline_ms              claimed by a flight until then
--                                       D|info                           finished
--   <prefix>:in:<16 octets>[:<epoch>]   P|owner|deadline_ms|event_id|id key
--                                       W|event_id                       safe in a wait queue
--                                       D|event_id                       published
--   <prefix>:id:<provider>:<smsc_id>    epoch|mark|digits|json, a line for each MT that had this id, newest first.
--                                       mark: tag of the final receipt seen. digits: the MT's destination
--   <prefix>:un:<provider>:<smsc_id>    cmsgpack list of receipts published unmatched:
--                                       {tag, key of the MT that took it or '', address, address, final, body, its key}

local retention = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local KEPT_USES = 4             -- of one id, by as many MTs
local KEPT_UNMATCHED = 8        -- receipts under one id
local UNMATCHED_MS = math.min(retention, 3600000)  -- an answer later than this finds no receipt waiting for it
local SUFFIX_DIGITS = 7         -- so many last digits at least must be equal, where one number is written longer

local at = 2
local function take(count)
  at = at + count
  return unpack(ARGV, at - count, at - 1)
end

local function get(key) return redis.call('GET', key) end
local function put(key, value, ttl_ms) redis.call('SET', key, value, 'PX', ttl_ms or retention) end

-- owner, deadline, event id, id key of a pending claim; nil for any other value
local function pending(value) return string.match(value, '^P|([^|]*)|(%d+)|?([^|]*)|?(.*)$') end
local function after(ms) return string.format('%d', now + ms) end

-- Correlation ------------------------------------------------------------------------------------------------------

local function read_uses(value)
  local uses = {}
  for epoch, mark, digits, json in string.gmatch(value or '', '(%d+)|([^|]*)|([^|]*)|([^\n]*)') do
    uses[#uses + 1] = {epoch = tonumber(epoch), mark = mark, digits = digits, json = json}
  end
  return uses
end

local function write_uses(uses)
  local lines = {}
  for i, use in ipairs(uses) do
    lines[i] = use.epoch .. '|' .. use.mark .. '|' .. use.digits .. '|' .. use.json
  end
  return table.concat(lines, '\n')
end

local function fits(digits, address)
  if digits == address then return true end
  local shorter = math.min(#digits, #address)
  return shorter >= SUFFIX_DIGITS and string.sub(digits, -shorter) == string.sub(address, -shorter)
end

-- Whether a receipt that names these two addresses may speak of an MT to these digits.
local function speaks_of(digits, one, other)
  return (one == '' and other == '') or fits(digits, one) or fits(digits, other)
end

-- The MT that a receipt means: of the first id that has one, the newest whose address fits.
local function find(base, ids, one, other)
  for _, id in ipairs(ids) do
    local uses = read_uses(get(base .. id))
    for _, use in ipairs(uses) do
      if speaks_of(use.digits, one, other) then return {key = base .. id, uses = uses, use = use} end
    end
  end
end

-- The id is remembered as long as its receipts are: were it forgotten first, the same receipt of its next use, which
-- would then be the first again, would pass for a repeat.
local function mark(hit, tag)
  hit.use.mark = tag
  put(hit.key, write_uses(hit.uses))
end

-- A final receipt marks the MT it ends; any other receipt after that is stale.
local function stale_after(hit, tag, final)
  if final == '1' and hit.use.mark == '' then mark(hit, tag) end
  return (hit.use.mark ~= '' and hit.use.mark ~= tag) and 1 or 0
end

local function entry_of(hit) return hit.key, hit.use.digits, hit.use.json end

local function same_mt(json, other)
  if json == other then return true end
  local a, b = cjson.decode(json), cjson.decode(other)
  return a.mt == b.mt and a.generation == b.generation
end

-- The uses of an id, and that of this MT: found again, or added as the newest.
local function remember(id_key, digits, json)
  local uses = read_uses(get(id_key))
  for _, use in ipairs(uses) do
    if same_mt(use.json, json) then
      use.digits, use.json = digits, json
      return uses, use
    end
  end
  local epoch = uses[1] and uses[1].epoch + 1 or 0
  table.insert(uses, 1, {epoch = epoch, mark = '', digits = digits, json = json})
  uses[KEPT_USES + 1] = nil
  return uses, uses[1]
end

local function read_unmatched(key)
  local value = get(key)
  return value and cmsgpack.unpack(value) or {}
end

-- The claim of a receipt under the use of its id that it turned out to mean: the provider's next copy is a repeat.
local function settle_under(key, epoch)
  if epoch > 0 then put(key .. ':' .. epoch, 'D|') end
end

-- The receipts that wait for this MT: body, stale, body, stale... They stay, marked as taken by it, so that it gets them
-- again if asked again.
local function take_unmatched(un_key, mt_key, use)
  local receipts, found = read_unmatched(un_key), {}
  for _, receipt in ipairs(receipts) do
    local tag, taken_by, one, other, final, body, key = unpack(receipt)
    if (taken_by == '' or taken_by == mt_key) and speaks_of(use.digits, one, other) then
      receipt[2] = mt_key
      settle_under(key, use.epoch)
      if final == '1' and use.mark == '' then use.mark = tag end
      found[#found + 1] = body
      found[#found + 1] = (use.mark ~= '' and use.mark ~= tag) and 1 or 0
    end
  end
  if #found > 0 then put(un_key, cmsgpack.pack(receipts), UNMATCHED_MS) end
  return found
end

-- MTs --------------------------------------------------------------------------------------------------------------

local operations = {}

function operations.claim()
  local key, owner, lease_ms, takeover = take(4)
  local value, verdict = get(key), 'new'
  if value then
    local holder, deadline = pending(value)
    if not holder then return 'done|' .. string.sub(value, 3) end
    if holder == owner then
      verdict = 'mine'
    elseif tonumber(deadline) > now then
      return 'busy|' .. (tonumber(deadline) - now)
    elseif takeover ~= '1' then
      return 'stale'
    else
      verdict = 'taken'
    end
  end
  put(key, 'P|' .. owner .. '|' .. after(lease_ms))
  return verdict
end

-- A provider's answer is a fact: it is recorded whoever holds the claim. Reply: fenced, then unmatched receipts.
function operations.answered()
  local key, owner, info, id_key, un_key, digits, json = take(7)
  local value, finished = get(key), 'D|' .. info
  local fenced = value and value ~= finished and pending(value) ~= owner
  put(key, finished)
  if id_key == '' then return fenced and 1 or 0 end
  local uses, use = remember(id_key, digits, json)
  local unmatched = take_unmatched(un_key, key, use)
  put(id_key, write_uses(uses))
  if #unmatched == 0 then return fenced and 1 or 0 end
  return {fenced and 1 or 0, unmatched}
end

function operations.finish()
  local key, owner, info = take(3)
  local value, finished = get(key), 'D|' .. info
  if value and value ~= finished and pending(value) ~= owner then return 0 end
  put(key, finished)
  return 1
end

function operations.amend()
  local key, old, new = take(3)
  local value = get(key)
  if value ~= 'D|' .. old and value ~= 'D|' .. new then return 0 end
  put(key, 'D|' .. new)
  return 1
end

function operations.release()
  local key, owner = take(2)
  local value = get(key)
  if value and pending(value) == owner then redis.call('DEL', key) end
  return 1
end

-- MOs and DRs ------------------------------------------------------------------------------------------------------

-- Verdict and the event id to publish under: that of the first claim, whoever made it.
local function claim_inbound(key, owner, event_id, lease_ms, id_key)
  local value, verdict = get(key), 'new'
  if value then
    local holder, deadline, first_event_id, first_id_key = pending(value)
    if not holder then
      return string.sub(value, 1, 1) == 'W' and 'waiting' or 'repeat', string.sub(value, 3)
    end
    event_id = first_event_id
    if id_key == '' then id_key = first_id_key end
    if tonumber(deadline) <= now then
      verdict = 'taken'
    elseif holder == owner then
      verdict = 'mine'
    else
      return 'busy', event_id
    end
  end
  put(key, 'P|' .. owner .. '|' .. after(lease_ms) .. '|' .. event_id .. '|' .. id_key)
  return verdict, event_id
end

function operations.message()
  local key, owner, event_id, lease_ms = take(4)
  return {claim_inbound(key, owner, event_id, lease_ms, '')}
end

-- Reply: verdict, event id[, epoch, stale, id key, digits, json]
function operations.receipt()
  local key, owner, event_id, lease_ms, tag, final, base, one, other, count = take(10)
  local hit = find(base, {take(count)}, one, other)
  if not hit then return {claim_inbound(key, owner, event_id, lease_ms, '')} end
  local epoch = hit.use.epoch
  if epoch > 0 then
    -- A receipt of an earlier use may look the same; one that came before its MT waits under the plain key.
    if string.sub(get(key) or '', 1, 1) == 'W' then return {'waiting', event_id} end
    key, event_id = key .. ':' .. epoch, event_id .. '-' .. epoch
  end
  local verdict
  verdict, event_id = claim_inbound(key, owner, event_id, lease_ms, hit.key)
  local publishes = verdict == 'new' or verdict == 'taken' or verdict == 'mine'
  local stale = stale_after(hit, tag, publishes and final or '0')
  return {verdict, event_id, epoch, stale, entry_of(hit)}
end

-- Reply: published[, epoch, stale, id key, digits, json]
function operations.lookup()
  local key, tag, final, base, one, other, count = take(7)
  local hit = find(base, {take(count)}, one, other)
  local published = string.sub(get(key) or '', 1, 1) == 'D'
  if not hit then return {published and 1 or 0} end
  return {published and 1 or 0, hit.use.epoch, stale_after(hit, tag, published and '0' or final), entry_of(hit)}
end

-- A receipt that waited under the plain key is settled there, too: it waits no more for a later use of its id.
function operations.commit()
  local key, epoch, event_id, ttl_ms = take(4)
  put(tonumber(epoch) > 0 and key .. ':' .. epoch or key, 'D|' .. event_id, ttl_ms ~= '0' and ttl_ms or retention)
  if tonumber(epoch) > 0 and string.sub(get(key) or '', 1, 1) == 'W' then put(key, 'D|' .. event_id) end
  return 1
end

function operations.waiting()
  local key, event_id = take(2)
  if string.sub(get(key) or '', 1, 1) ~= 'D' then put(key, 'W|' .. event_id) end
  return 1
end

function operations.abandon()
  local key, owner, epoch, tag = take(4)
  local holder, _, event_id, id_key = pending(get(key) or '')
  if holder ~= owner then return 1 end
  put(key, 'P|' .. owner .. '|0|' .. event_id .. '|' .. id_key)
  if id_key ~= '' then
    local uses = read_uses(get(id_key))
    for _, use in ipairs(uses) do
      if use.epoch == tonumber(epoch) and use.mark == tag then mark({key = id_key, uses = uses, use = use}, '') end
    end
  end
  return 1
end

-- Reply: 0, or epoch, stale, id key, digits, json of the MT that appeared meanwhile.
function operations.unmatched()
  local key, event_id, tag, final, base, un_base, one, other, body, count = take(10)
  local ids = {take(count)}
  put(key, 'D|' .. event_id)
  for _, receipt in ipairs(read_unmatched(un_base .. ids[1])) do
    if receipt[1] == tag then return 0 end
  end
  local hit = find(base, ids, one, other)
  if hit then
    settle_under(key, hit.use.epoch)
    return {hit.use.epoch, stale_after(hit, tag, final), entry_of(hit)}
  end
  for _, id in ipairs(ids) do
    local receipts = read_unmatched(un_base .. id)
    receipts[#receipts + 1] = {tag, '', one, other, final, body, key}
    if #receipts > KEPT_UNMATCHED then table.remove(receipts, 1) end
    put(un_base .. id, cmsgpack.pack(receipts), UNMATCHED_MS)
  end
  return 0
end

-- Whether Redis takes writes. The key is there only for that.
function operations.probe()
  put(take(1), '', 60000)
  return 1
end

-- The list ---------------------------------------------------------------------------------------------------------

-- What Redis refuses for its own sake (OOM, READONLY, ...) it refuses to all: the whole script fails with it. A value
-- that none of us wrote, or a mistake in here, is the trouble of one operation: the error is its reply.
local function of_one_operation(code) return code == nil or code == 'ERR' or code == 'WRONGTYPE' end

local replies = {}
while at <= #ARGV do
  local fine, reply = pcall(operations[take(1)])  -- takes all its arguments before it does anything
  if not fine then
    local message = type(reply) == 'table' and reply.err or reply
    local code = string.match(message, '^(%u+) ')
    reply = redis.error_reply(code and message or 'ERR ' .. message)
    if not of_one_operation(code) then return reply end
  end
  replies[#replies + 1] = reply
end
return replies
