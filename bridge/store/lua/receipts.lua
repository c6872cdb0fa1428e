-- MOs and DRs: claimed, published, or waiting for their MT.

-- Verdict and the event id to publish under: that of the first claim, whoever made it.
local function claim_inbound(key, owner, event_id, lease_ms)
  local value, verdict = get(key), 'new'
  if value then
    local holder, deadline, first_event_id = pending(value)
    if not holder then
      return string.sub(value, 1, 1) == 'W' and 'waiting' or 'repeat', string.sub(value, 3)
    end
    event_id = first_event_id
    if tonumber(deadline) <= now then
      verdict = 'taken'
    elseif holder == owner then
      verdict = 'mine'
    else
      return 'busy', event_id
    end
  end
  put(key, pending_value(owner, after(lease_ms), event_id))
  return verdict, event_id
end

local function is(key, letter) return string.sub(get(key) or '', 1, 1) == letter end

function operations.message()
  local key, owner, event_id, lease_ms = take(4)
  return {claim_inbound(key, owner, event_id, lease_ms)}
end

-- Reply: verdict, event id[, and as `told`]
function operations.receipt()
  local key, owner, event_id, lease_ms = take(4)
  local question = take_question()
  local hit = find(question)
  if not hit then return {claim_inbound(key, owner, event_id, lease_ms)} end
  local epoch = hit.use.epoch
  if epoch > 0 then
    -- A receipt of an earlier use may look the same; one that came before its MT waits under the plain key.
    if is(key, 'W') then return {'waiting', event_id} end
    key, event_id = key .. ':' .. epoch, event_id .. '-' .. epoch
  end
  local verdict
  verdict, event_id = claim_inbound(key, owner, event_id, lease_ms)
  return {verdict, event_id, told(hit, question, verdict == 'new' or verdict == 'taken' or verdict == 'mine')}
end

-- Reply: published[, and as `told`]
function operations.lookup()
  local key = take(1)
  local question = take_question()
  local hit = find(question)
  local published = is(key, 'D')
  if not hit then return {published and 1 or 0} end
  return {published and 1 or 0, told(hit, question, not published)}
end

-- A receipt that waited under the plain key is settled there, too: it waits no more for a later use of its id.
function operations.commit()
  local key, epoch, event_id, ttl_ms, due_member = take(5)
  put(tonumber(epoch) > 0 and key .. ':' .. epoch or key, 'D|' .. event_id, ttl_ms ~= '0' and ttl_ms or retention)
  if tonumber(epoch) > 0 and is(key, 'W') then put(key, 'D|' .. event_id) end
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
  local key, owner = take(2)
  local holder, _, event_id = pending(get(key) or '')
  if holder == owner then put(key, pending_value(owner, '0', event_id)) end
  return 1
end

-- Reply: 0, or, of an MT that appeared meanwhile, as `told`: then it is not settled before that is published, too.
function operations.unmatched()
  local key, event_id, un_base, body = take(4)
  local question = take_question()
  for _, receipt in ipairs(read_unmatched(un_base .. ARGV[question.first])) do
    if receipt[1] == question.tag then return 0 end
  end
  local hit = find(question)
  if hit then return {told(hit, question, true)} end
  put(key, 'D|' .. event_id)
  for _, form in ipairs(forms_of(question)) do leave_unmatched(un_base .. form, question, body, key, 0) end
  for _, form in ipairs(guesses_of(question)) do leave_unmatched(un_base .. form, question, body, key, 1) end
  return 0
end
