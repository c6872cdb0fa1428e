-- The provider's answers to MTs: a fact, recorded whoever holds the claim, and the first one stands.

local function reply_of(fenced, unmatched)
  local first = fenced and 1 or 0
  return #unmatched == 0 and first or {first, unmatched}
end

local function expect_receipts(member, overdue_ms)
  if overdue_ms ~= '0' then enlist_once(DUE_RECEIPTS, member, after(overdue_ms)) end
end

-- Says whether it was fenced, and whether it was answered before, otherwise: then nothing is written.
local function record_answer(key, owner, info, named)
  local value = get(key)
  local letter, recorded = finished(value)
  if recorded == info then return letter == 'F' or letter == 'f', false end
  if letter and letter ~= 'E' then return true, true end
  local fenced = value and not is_pending_of(owner, value)
  letter = fenced and 'F' or 'D'
  local answer = (named and letter or string.lower(letter)) .. '|' .. info
  if value then keep_on(key, answer) else put(key, answer) end
  return fenced, false
end

-- Its answer as one PDU counts before the copy in segments that was begun beside it, unless the receipts of that have
-- ended the MT. Says whether they have.
local function outdo_segments(key)
  local joins = join_key(string.sub(key, #prefix + 5))
  if redis.call('EXISTS', joins) == 0 then return false end
  if redis.call('HEXISTS', joins, 'ended') == 1 then return true end
  redis.call('DEL', joins)
  return false
end

-- Another id for an MT that has one is that of an extra copy. Reply: fenced[, unmatched receipts].
function operations.answered()
  local key, owner, info, id_key, un_key, digits, body, overdue_ms = take(8)
  local fenced, otherwise = record_answer(key, owner, info, id_key ~= '')
  if id_key == '' then return reply_of(fenced, {}) end
  local hit, added = remember(id_key, digits, '', body)
  if otherwise then
    if added and string.find(get(key), '^[DF]') then hit.use.extra = '+' end
    if hit.use.extra == '' then put(key, 'F|' .. info) end
  elseif outdo_segments(key) then
    hit.use.extra = '+'
  end
  local unmatched = take_unmatched(un_key, key, hit)
  if added and hit.use.extra == '' and ended_by(hit.use) == '' then expect_receipts(due_of(hit), overdue_ms) end
  save(hit)
  return reply_of(fenced, unmatched)
end

-- The name of an MT in doubt, before any answer. Reply: as of an answer.
function operations.expected()
  local key, id_key, un_key, digits, body = take(5)
  local hit = remember(id_key, digits, '', body)
  local unmatched = take_unmatched(un_key, key, hit)
  save(hit)
  return reply_of(false, unmatched)
end

-- The claim of a long MT after an answer to one segment. `mine`: it may be this flight's; `same`: this copy is the one
-- that counts; `again`: this very answer is recorded, and was not fenced. Says whether it was fenced, and whether by an
-- end: then nobody sends the segment anew.
local function record_part(key, owner, reference, state, info, mine, same, again)
  local value = get(key)
  local letter, recorded = finished(value)
  if info ~= '' and recorded == info then return letter == 'F', letter == 'F' end
  local holder, deadline, held = pending(value or '')
  local lost = not value and (info ~= '' or state ~= '')
  local ours = mine and (lost or (holder == owner and held == reference))
  if letter == 'E' and info ~= '' then
    put(key, 'F|' .. info)
    return true, true
  elseif ours then
    put(key, info ~= '' and 'D|' .. info or pending_value(owner, deadline or '0', reference, state))
  end
  return not (ours or again or (same and letter == 'D')), letter == 'E'
end

-- The record is that of another copy from now on. That the MT has ended is not undone by that.
local function begin_anew(joins, ended, joined, ...)
  redis.call('DEL', joins)
  redis.call('HSET', joins, ...)
  if ended then redis.call('HSET', joins, 'ended', ended, 'joined', joined) end
  keep(joins)
end

-- An answer that is not fenced begins the copy that counts, or goes on with it; one that was fenced counts if it is of
-- that copy, too: its receipt may come before anybody says so again. One that was fenced by an end begins a copy, too,
-- unless there is one, or it was given up. Reply: fenced[, unmatched receipts].
function operations.part_answered()
  local key, owner, reference, state, info, mt_key, provider, id_key, un_key, digits, n, of, body, dup, overdue_ms =
    take(15)
  local joins, run = join_key(mt_key), reference .. '|' .. provider
  local counted, retired, ended, joined, said, open =
    unpack(redis.call('HMGET', joins, 'run', 'retired', 'ended', 'joined', 's' .. n, 'open'))
  local hit = id_key ~= '' and remember(id_key, digits, n .. '/' .. of, body)
  local place = hit and place_of(hit) or ''
  local given_up = not counted and retired == reference
  local same = counted == run
  local again = same and said == '0' .. place
  local fenced, by_end = record_part(key, owner, reference, state, info, not given_up, same, again)
  local counts = not fenced or same or (by_end and not (counted or given_up))
  if counts and not same then
    said, open = nil, all_open(of)
    begin_anew(joins, ended, joined, 'run', run, 'of', of, 'open', open)
  end
  if counts then
    if not said then
      if not ended then expect_receipts(due_of_join(joins), overdue_ms) end
      redis.call('HSET', joins, 's' .. n, (fenced and '1' or '0') .. place)
      if place == '' then redis.call('HSET', joins, 'open', over_at(open, n)) end
    end
    if dup == '1' then redis.call('HSET', joins, 'dup', '1') end
    keep(joins)
  end
  if hit and hit.shared and (counts or counted) then redis.call('HSET', joins, 'common', '1') end
  local unmatched = {}
  if hit then
    unmatched = take_unmatched(un_key, key, hit)
    save(hit)
    if #unmatched > 0 and redis.call('HEXISTS', joins, 'ended') == 1 then delist(DUE_RECEIPTS, due_of_join(joins)) end
  end
  return reply_of(fenced, unmatched)
end

-- Which copy it is that is given up, an answer tells, or else the claim.
function operations.retire()
  local key, mt_key = take(2)
  local joins = join_key(mt_key)
  local join = read_hash(joins)
  if join.retired and not join.run then return 1 end
  local reference = join.run and string.match(join.run, '^%d*') or select(3, pending(get(key) or '')) or ''
  begin_anew(joins, join.ended, join.joined, 'retired', reference)
  return 1
end
