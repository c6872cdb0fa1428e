-- What a receipt does to its MT: it ends it, is stale, or speaks of a copy that does not count.
--
-- The receipts of a long MT's segments are joined in a hash, of one copy of it: the *run*, told by reference and
-- provider. It speaks for segment n where the id of that segment's answer (`s<n>`) is the receipt's; the receipts of
-- any other id of this MT are those of an extra copy. The first failure ends it, else the final receipt that leaves no
-- segment without one. What ended it is kept, so that the same receipt is told the same again: whoever was to publish
-- it may have done so without having heard that. So it is when its copy is given up meanwhile.
--
--   run      reference|provider, of the copy that counts; none: no segment of it is answered, or it was given up
--   retired  the reference of the copy that was given up last
--   of       number of segments
--   dup      1 if an answer said that a copy of the MT may be elsewhere
--   s<n>     0, or 1 if its answer was fenced, then epoch|id key of its id; nothing if it was given none
--   f<n>     state of its final receipt
--   open     an octet for each segment: ? while its final receipt may come, . when it has come, or never will
--   common   1 if an id may be that of several segments
--   ended    tag of the receipt that ended it
--   joined   the states of all segments at that time, with commas

local function join_key(mt_key) return prefix .. ':join:' .. mt_key end
local function join_key_of(use) return join_key(mt_key_of(use.body)) end

local OPEN, OVER = '?', '.'

local function all_open(of) return string.rep(OPEN, tonumber(of)) end
local function is_over(open) return not string.find(open, OPEN, 1, true) end
local function over_at(open, n) return string.sub(open, 1, n - 1) .. OVER .. string.sub(open, n + 1) end

-- The numbers of all segments whose id this is: some providers give all segments one id.
local function segments_at(key, place)
  local join, numbers = read_hash(key), {}
  for n = 1, tonumber(join.of or 0) do
    if string.sub(join['s' .. n] or '', 2) == place then numbers[#numbers + 1] = tostring(n) end
  end
  return numbers
end

local function states_of(join)
  local states = {}
  for n = 1, tonumber(join.of) do states[n] = join['f' .. n] or '' end
  return table.concat(states, ',')
end

local function due_of(hit) return 's|' .. place_of(hit) end
local function due_of_join(key) return 'j|' .. key end

-- Says whether that ends the MT.
local function end_segments(key, open, numbers, question)
  for _, n in ipairs(numbers) do
    open = over_at(open, n)
    redis.call('HSET', key, 'f' .. n, question.state, 'open', open)
  end
  return question.grade == '2' or is_over(open)
end

-- Only the fields it needs are read: there are two for each segment, and each would be read for each receipt.
local function judge_segment(hit, question, decides)
  local use, key, place = hit.use, join_key_of(hit.use), place_of(hit)
  local number = string.match(use.segment, '^%d+')
  local own, open, common, ended, joined, dup =
    unpack(redis.call('HMGET', key, 's' .. number, 'open', 'common', 'ended', 'joined', 'dup'))
  local numbers = common and segments_at(key, place) or string.sub(own or '', 2) == place and {number} or {}
  local counts = #numbers > 0
  if decides and question.grade ~= '0' and (ended_by(use) == '' or use.mark == question.tag) then
    use.mark, hit.changed = question.tag, true
    if counts and end_segments(key, open, numbers, question) and not ended then
      ended, joined = question.tag, states_of(read_hash(key))
      redis.call('HSET', key, 'ended', ended, 'joined', joined)
    end
    if counts then keep(key) end
  end
  local stale = ended_by(use) ~= '' and use.mark ~= question.tag
  local ends = ended == question.tag
  return stale and 1 or 0, counts and 0 or 1, ends and joined or '', ends and due_of_join(key) or '', dup and 1 or 0
end

-- Whether it was to be expected only, and the MT has been answered otherwise since: it speaks of a copy beside that.
local function is_beside(use)
  if not is_unanswered(use.body) then return false end
  return string.find(get(prefix .. ':mt:' .. mt_key_of(use.body)) or '', '^[DFdf]|') ~= nil
end

-- What is to be said of a receipt and the MT it means: stale, extra, joined, due, doubled. `decides`: and what it says
-- of the MT is kept, in the hit, too.
local function judge(hit, question, decides)
  local use = hit.use
  if use.segment ~= '' then return judge_segment(hit, question, decides) end
  if use.extra == '' and is_beside(use) then use.extra, hit.changed = '+', true end
  local tag, counts = ended_by(use), use.extra == ''
  if decides and tag == '' then
    local mark = question.grade ~= '0' and question.tag or question.state ~= '' and '~' .. question.state or use.mark
    hit.changed = hit.changed or mark ~= use.mark
    use.mark, tag = mark, question.grade ~= '0' and mark or ''
  end
  local stale, ends = tag ~= '' and tag ~= question.tag, counts and tag == question.tag
  return stale and 1 or 0, counts and 0 or 1, '', ends and due_of(hit) or '', 0
end

local function mt_of(hit, doubled) return hit.key, hit.use.digits, hit.use.segment, hit.use.body, doubled end

-- The same, as it is told: epoch, stale, extra, joined, due, claimed by its mark, id key, digits, segment, body, doubled.
-- The id is remembered as long as its receipts are: were it forgotten first, the same receipt of its next use, which
-- would then be the first again, would pass for a repeat.
local function told(hit, question, decides)
  local stale, extra, joined, due_member, doubled = judge(hit, question, decides)
  if hit.changed then save(hit) end
  local held = hit.use.mark == question.tag and hit.use.claim ~= ''
  return hit.use.epoch, stale, extra, joined, due_member, held and 1 or 0, mt_of(hit, doubled)
end
