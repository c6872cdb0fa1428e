-- Receipts that were published before anybody knew their MT, and wait here for a late answer.
--
-- Under each form that their id may have had in the answer. {tag, claim key of the MT that took it or '', stale then,
-- address, address, grade, state, body, its key, 1 if the form is a guess}

local KEPT_UNMATCHED = 8        -- receipts under one id
local UNMATCHED_MS = math.min(retention, 3600000)  -- an answer later than this finds no receipt waiting for it

local function read_unmatched(key)
  local value = get(key)
  return value and cmsgpack.unpack(value) or {}
end

-- The claim of a receipt under the use of its id that it turned out to mean: the provider's next copy is a repeat.
local function settle_under(key, epoch)
  if epoch ~= '0' then put(key .. ':' .. epoch, 'D') end
end

local function leave_unmatched(un_key, question, body, key, guess)
  local receipts = read_unmatched(un_key)
  receipts[#receipts + 1] =
    {question.tag, '', 0, question.one, question.other, question.grade, question.state, body, key, guess}
  if #receipts > KEPT_UNMATCHED then table.remove(receipts, 1) end
  put(un_key, cmsgpack.pack(receipts), UNMATCHED_MS)
end

-- A receipt lies under each form of its id, and only one MT takes it.
local function is_taken_by(mt_key, key)
  return put_first(key .. ':mt', mt_key, UNMATCHED_MS) or get(key .. ':mt') == mt_key
end

-- The receipts that wait for this MT: {body, stale, extra, joined}... They stay, marked as taken by it, so that it gets
-- them again if asked again.
local function take_unmatched(un_key, mt_key, hit)
  local value, found = get(un_key), {}
  if not value then return found end
  local receipts = cmsgpack.unpack(value)
  for _, receipt in ipairs(receipts) do
    local tag, taken_by, _, one, other, grade, state, body, key, guess = unpack(receipt)
    local fitting = taken_by == '' and speaks_of(hit.use.digits, one, other, guess == 1) and is_taken_by(mt_key, key)
    if fitting or taken_by == mt_key then
      local stale, extra, joined = judge(hit, {tag = tag, grade = grade, state = state}, true)
      if fitting then receipt[2], receipt[3] = mt_key, stale end
      settle_under(key, hit.use.epoch)
      found[#found + 1] = {body, receipt[3], extra, joined}
    end
  end
  if #found > 0 then put(un_key, cmsgpack.pack(receipts), UNMATCHED_MS) end
  return found
end
