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
--   ended    tag of the receipt that ended it
--   joined   the states of all segments at that time, with commas

local function join_key(mt_key) return prefix .. ':join:' .. mt_key end
local function join_key_of(use) return join_key(mt_key_of(use.body)) end

-- The numbers of the segments whose id this is. Some providers give all segments one id.
local function segments_at(join, place)
  local numbers = {}
  for n = 1, tonumber(join.of or 0) do
    if string.sub(join['s' .. n] or '', 2) == place then numbers[#numbers + 1] = n end
  end
  return numbers
end

local function states_of(join)
  local states = {}
  for n = 1, tonumber(join.of) do states[n] = join['f' .. n] or '' end
  return table.concat(states, ',')
end

-- A segment that was given no id has no receipt of its own.
local function all_final(join)
  for n = 1, tonumber(join.of) do
    local place = join['s' .. n]
    if not place or (#place > 1 and not join['f' .. n]) then return false end
  end
  return true
end

local function due_of(hit) return 's|' .. place_of(hit) end
local function due_of_join(key) return 'j|' .. key end

local function end_segments(key, join, numbers, question)
  for _, n in ipairs(numbers) do
    join['f' .. n] = question.state
    redis.call('HSET', key, 'f' .. n, question.state)
  end
  if not join.ended and (question.grade == '2' or all_final(join)) then
    join.ended, join.joined = question.tag, states_of(join)
    redis.call('HSET', key, 'ended', join.ended, 'joined', join.joined)
  end
  keep(key)
end

local function judge_segment(hit, question, decides)
  local use, key = hit.use, join_key_of(hit.use)
  local join = read_hash(key)
  local numbers = segments_at(join, place_of(hit))
  local counts = #numbers > 0
  if decides and question.grade ~= '0' and (ended_by(use) == '' or use.mark == question.tag) then
    use.mark, hit.changed = question.tag, true
    if counts then end_segments(key, join, numbers, question) end
  end
  local stale = ended_by(use) ~= '' and use.mark ~= question.tag
  local ends = join.ended == question.tag
  return stale and 1 or 0, counts and 0 or 1, ends and join.joined or '', ends and due_of_join(key) or '',
    join.dup and 1 or 0
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
