-- MOs and DRs: claimed, published, or waiting for their MT.

-- Of a claim that is pending.
local function verdict_of(holder, deadline, owner)
  return tonumber(deadline) <= now and 'taken' or holder == owner and 'mine' or 'busy'
end

local function is_granted(verdict) return verdict == 'new' or verdict == 'taken' or verdict == 'mine' end

-- Verdict and the event id to publish under: that of the first claim, whoever made it.
local function claim_inbound(key, owner, event_id, lease_ms)
  local value, verdict = get(key), 'new'
  if value then
    local holder, deadline, first_event_id = pending(value)
    if not holder then
      return string.sub(value, 1, 1) == 'W' and 'waiting' or 'repeat', string.sub(value, 3)
    end
    verdict, event_id = verdict_of(holder, deadline, owner), first_event_id
  end
  if is_granted(verdict) then put(key, pending_value(owner, after(lease_ms), event_id)) end
  return verdict, event_id
end

local function is(key, letter) return string.sub(get(key) or '', 1, 1) == letter end

-- The claim of a receipt that ends a use of an id may stand with its mark: that is kept as long, and a key of its own
-- would take as much memory again. Only if the same receipt is sure to find that use again, and is not known under its
-- own key by now: it may have come before its MT.
local function stands_in_mark(hit, by_first, question, key)
  local use = hit.use
  if use.mark == question.tag then return use.claim ~= '' end
  return by_first and question.grade ~= '0' and ended_by(use) == '' and not get(key)
end

local PUBLISHED = '!'
local function published() return PUBLISHED end

-- Deadline and owner; nil for one that is published, or none.
local function pending_mark(claim) return string.match(claim, '^:(%d+):(.*)$') end
local function pending_mark_of(owner, deadline) return ':' .. deadline .. ':' .. owner end

-- Verdict. The mark itself is set when it is judged.
local function claim_mark(hit, owner, lease_ms)
  local use = hit.use
  local deadline, holder = pending_mark(use.claim)
  local verdict = deadline and verdict_of(holder, deadline, owner) or use.claim == PUBLISHED and 'repeat' or 'new'
  if is_granted(verdict) then use.claim, hit.changed = pending_mark_of(owner, after(lease_ms)), true end
  return verdict
end

-- Puts what `become` makes of the claim there in its place. `held`: epoch|tag|id key. False if Redis has lost that, or
-- the claim does not stand in a mark. Most lives end with this, so only that part of the value is looked at.
local function reclaim(held, become)
  local epoch, tag, id_key = string.match(held, '^(%d+)|([%w,_]+)|(.*)$')
  local value = epoch and get(id_key)
  if not value then return false end
  local place = '(%f[%d]' .. epoch .. '|%+?' .. tag .. ')([:!][^|]*)'
  local changed, times = string.gsub(value, place, function(head, claim) return head .. become(claim) end, 1)
  if changed ~= value then keep_on(id_key, changed) end
  return times == 1
end

function operations.message()
  local key, owner, event_id, lease_ms = take(4)
  return {claim_inbound(key, owner, event_id, lease_ms)}
end

-- Reply: verdict, event id[, and as `told`]
function operations.receipt()
  local key, owner, event_id, lease_ms = take(4)
  local question = take_question()
  local hit, by_first = find(question)
  if not hit then return {claim_inbound(key, owner, event_id, lease_ms)} end
  local epoch = hit.use.epoch
  if epoch ~= '0' then
    -- A receipt of an earlier use may look the same; one that came before its MT waits under the plain key.
    if is(key, 'W') then return {'waiting', event_id} end
    key, event_id = key .. ':' .. epoch, event_id .. '-' .. epoch
  end
  local verdict
  if stands_in_mark(hit, by_first, question, key) then
    verdict = claim_mark(hit, owner, lease_ms)
  else
    verdict, event_id = claim_inbound(key, owner, event_id, lease_ms)
  end
  return {verdict, event_id, told(hit, question, is_granted(verdict))}
end

-- Reply: published[, and as `told`]
function operations.lookup()
  local key = take(1)
  local question = take_question()
  local hit = find(question)
  local published = is(key, 'D') or (hit and hit.use.mark == question.tag and hit.use.claim == PUBLISHED)
  if not hit then return {published and 1 or 0} end
  return {published and 1 or 0, told(hit, question, not published)}
end

-- A receipt that waited under the plain key is settled there, too: it waits no more for a later use of its id.
function operations.commit()
  local key, epoch, ttl_ms, due_member, held = take(5)
  if not reclaim(held, published) then
    put(epoch ~= '0' and key .. ':' .. epoch or key, 'D', ttl_ms ~= '0' and ttl_ms or retention)
  end
  if epoch ~= '0' and is(key, 'W') then put(key, 'D') end
  if due_member ~= '' then delist(DUE_RECEIPTS, due_member) end
  return 1
end

function operations.waiting()
  local key, event_id = take(2)
  if not is(key, 'D') then put(key, 'W|' .. event_id) end
  return 1
end

-- It may be published all the same: what it says of its MT stands.
function operations.abandon()
  local key, owner, held = take(3)
  local function given_up(claim)
    local _, holder = pending_mark(claim)
    return holder == owner and pending_mark_of(owner, '0') or claim
  end
  if reclaim(held, given_up) then return 1 end
  local holder, _, event_id = pending(get(key) or '')
  if holder == owner then put(key, pending_value(owner, '0', event_id)) end
  return 1
end

-- Reply: 0, or, of an MT that appeared meanwhile, as `told`: then it is not settled before that is published, too.
function operations.unmatched()
  local key, un_base, body = take(3)
  local question = take_question()
  for _, receipt in ipairs(read_unmatched(un_base .. ARGV[question.first])) do
    if receipt[1] == question.tag then return 0 end
  end
  local hit = find(question)
  if hit then return {told(hit, question, true)} end
  put(key, 'D')
  for _, form in ipairs(forms_of(question)) do leave_unmatched(un_base .. form, question, body, key, 0) end
  for _, form in ipairs(guesses_of(question)) do leave_unmatched(un_base .. form, question, body, key, 1) end
  return 0
end
