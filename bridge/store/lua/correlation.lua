-- The MTs that had an id, and which of them a receipt means.

local KEPT_USES = 8             -- of one id, by as many MTs; spellings of different ids may share a canonical form
local SUFFIX_DIGITS = 7         -- so many last digits at least must be equal, where one number is written longer

local function read_uses(value)
  local uses = {}
  for epoch, extra, mark, digits, segment, json in
    string.gmatch(value or '', '(%d+)|(%+?)([^|]*)|([^|]*)|([^|]*)|([^\n]*)')
  do
    uses[#uses + 1] =
      {epoch = tonumber(epoch), extra = extra, mark = mark, digits = digits, segment = segment, json = json}
  end
  return uses
end

-- A hit is one use of an id, among all uses of that id.

local function save(hit)
  local lines = {}
  for i, use in ipairs(hit.uses) do
    lines[i] = use.epoch .. '|' .. use.extra .. use.mark .. '|' .. use.digits .. '|' .. use.segment .. '|' .. use.json
  end
  put(hit.key, table.concat(lines, '\n'))
end

local function use_at(id_key, epoch)
  local uses = read_uses(get(id_key))
  for _, use in ipairs(uses) do
    if use.epoch == tonumber(epoch) then return {key = id_key, uses = uses, use = use} end
  end
end

local function place_of(hit) return hit.use.epoch .. '|' .. hit.key end
local function hit_at(place) return use_at(string.match(place, '|(.*)$'), string.match(place, '^%d+')) end

-- The tag of the final receipt that this use has seen.
local function ended_by(use) return string.sub(use.mark, 1, 1) ~= '~' and use.mark or '' end

local function fits(digits, address)
  if digits == address then return true end
  local shorter = math.min(#digits, #address)
  return shorter >= SUFFIX_DIGITS and string.sub(digits, -shorter) == string.sub(address, -shorter)
end

-- Whether a receipt that names these two addresses may speak of an MT to these digits. To a guess it must name one.
local function speaks_of(digits, one, other, guess)
  if one == '' and other == '' then return not guess end
  return fits(digits, one) or fits(digits, other)
end

local DOUBLED = 'possible_duplicate'

-- Whether it was only to be expected. The word may stand in what a producer wrote, too.
local function is_unanswered(json)
  return string.find(json, '"unanswered":', 1, true) ~= nil and cjson.decode(json).unanswered ~= nil
end

local function same_mt(json, other)
  if json == other then return true end
  local a, b = cjson.decode(json), cjson.decode(other)
  return a.mt == b.mt and a.generation == b.generation
end

-- The uses of an id, and that of this MT: found again, or added as the newest. Second value: whether added. What was
-- remembered of it stands: a producer's repeat may say other things, but they were not sent. A use that only was to be
-- expected is added when more is known of it.
local function remember(id_key, digits, segment, json)
  local uses = read_uses(get(id_key))
  for _, use in ipairs(uses) do
    if same_mt(use.json, json) then
      use.segment = segment
      if is_unanswered(use.json) then
        use.json = json
        return {key = id_key, uses = uses, use = use}, true
      end
      if json ~= use.json and cjson.decode(json)[DOUBLED] and not cjson.decode(use.json)[DOUBLED] then
        use.json = '{"' .. DOUBLED .. '":true,' .. string.sub(use.json, 2)
      end
      return {key = id_key, uses = uses, use = use}, false
    end
  end
  local epoch = uses[1] and uses[1].epoch + 1 or 0
  local use = {epoch = epoch, extra = '', mark = '', digits = digits, segment = segment, json = json}
  table.insert(uses, 1, use)
  uses[KEPT_USES + 1] = nil
  return {key = id_key, uses = uses, use = use}, true
end

-- What is asked of a receipt (`Question`), and by what it is told from others: its tag. The canonical forms of its ids,
-- the ids as received and the guesses stay where they are, in ARGV: the numbers of the last of each.
local function take_question()
  local tag, grade, state, base, one, other, ids, guesses = take(8)
  local question =
    {tag = tag, grade = tonumber(grade), state = state, base = base, one = one, other = other, first = at}
  question.forms = at + ids - 1
  question.ids = question.forms + ids
  question.guesses = question.ids + guesses
  at = question.guesses + 1
  return question
end

local function forms_of(question) return {unpack(ARGV, question.first, question.forms)} end
local function guesses_of(question) return {unpack(ARGV, question.ids + 1, question.guesses)} end

local function spelt(use, form)
  return string.find(use.json, '"id":', 1, true) and cjson.decode(use.json).id or form
end

-- Of the MTs that had this form of an id, the newest whose address fits; one that had it as received goes before.
local function newest(question, form, id)
  local key, found = question.base .. form, nil
  local uses = read_uses(get(key))
  for _, use in ipairs(uses) do
    if speaks_of(use.digits, question.one, question.other, not id) then
      found = found or use
      if #uses == 1 or not id or spelt(use, form) == id then
        found = use
        break
      end
    end
  end
  return found and {key = key, uses = uses, use = found}
end

-- The MT that a receipt means: of the first id that has one. Guesses that mean two MTs mean none.
local function find(question)
  local count = question.ids - question.forms
  for i = question.first, question.forms do
    local hit = newest(question, ARGV[i], ARGV[i + count])
    if hit then return hit end
  end
  local guessed
  for i = question.ids + 1, question.guesses do
    local hit = newest(question, ARGV[i])
    if hit and guessed and not same_mt(hit.use.json, guessed.use.json) then return nil end
    guessed = guessed or hit
  end
  return guessed
end
