-- The MTs that had an id, and which of them a receipt means.

local KEPT_USES = 8             -- of one id, by as many MTs; spellings of different ids may share a canonical form
local SUFFIX_DIGITS = 7         -- so many last digits at least must be equal, where one number is written longer

local BRACE, TILDE = 123, 126     -- as string.byte has them: cheaper than a string of one letter

local LINE = '(%d+)|(%+?)([^|:!]*)([^|]*)|([^|]*)|([^|]*)|([^\n]*)'
local ONLY_LINE = '^' .. LINE .. '$'  -- of nearly all ids, and sooner read so

local function read_use(epoch, extra, mark, claim, digits, segment, body)
  return epoch and {
    epoch = epoch, extra = extra, mark = mark, claim = claim, digits = digits, segment = segment, body = body
  }
end

local function read_uses(value)
  if not value then return {} end
  local uses = {read_use(string.match(value, ONLY_LINE))}
  if uses[1] then return uses end
  for epoch, extra, mark, claim, digits, segment, body in string.gmatch(value, LINE) do
    uses[#uses + 1] = read_use(epoch, extra, mark, claim, digits, segment, body)
  end
  return uses
end

local function line_of(use)
  return use.epoch .. '|' .. use.extra .. use.mark .. use.claim .. '|' .. use.digits .. '|' .. use.segment .. '|'
    .. use.body
end

-- A hit is one use of an id, among all uses of that id.

local function save(hit)
  local lines = {}
  for i, use in ipairs(hit.uses) do lines[i] = line_of(use) end
  put(hit.key, table.concat(lines, '\n'))
end

local function use_at(id_key, epoch)
  local uses = read_uses(get(id_key))
  for _, use in ipairs(uses) do
    if use.epoch == epoch then return {key = id_key, uses = uses, use = use} end
  end
end

local function place_of(hit) return hit.use.epoch .. '|' .. hit.key end
local function hit_at(place) return use_at(string.match(place, '|(.*)$'), string.match(place, '^%d+')) end

-- The tag of the final receipt that this use has seen.
local function ended_by(use) return string.byte(use.mark) ~= TILDE and use.mark or '' end

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

-- What the body of a use says; of a short one, as far as it matters here.
local function read_body(body)
  if string.byte(body) == BRACE then return cjson.decode(body) end
  local doubled, mt = string.match(body, '^(!?)[=+](.*)$')
  return {mt = mt, possible_duplicate = doubled == '!'}
end

local function with_doubled(body)
  if string.byte(body) ~= BRACE then return '!' .. body end
  return '{"possible_duplicate":true,' .. string.sub(body, 2)
end

-- Whether it was only to be expected. The word may stand in what a producer wrote, too.
local function is_unanswered(body)
  return string.find(body, '"unanswered":', 1, true) ~= nil and read_body(body).unanswered ~= nil
end

local function mt_key_of(body)
  local said = read_body(body)
  return said.generation and string.format('%s\t%d', said.mt, said.generation) or said.mt
end

local function same_mt(body, other) return body == other or mt_key_of(body) == mt_key_of(other) end

-- The uses of an id, and that of this MT: found again, or added as the newest. Second value: whether added. What was
-- remembered of it stands: a producer's repeat may say other things, but they were not sent. A use that only was to be
-- expected is added when more is known of it. `shared` of a hit: another segment of the MT had the id before.
local function remember(id_key, digits, segment, body)
  local uses = read_uses(get(id_key))
  for _, use in ipairs(uses) do
    if same_mt(use.body, body) then
      local shared = use.segment ~= segment
      use.segment = segment
      if is_unanswered(use.body) then
        use.body = body
        return {key = id_key, uses = uses, use = use, shared = shared}, true
      end
      if body ~= use.body and read_body(body).possible_duplicate and not read_body(use.body).possible_duplicate then
        use.body = with_doubled(use.body)
      end
      return {key = id_key, uses = uses, use = use, shared = shared}, false
    end
  end
  local epoch = uses[1] and string.format('%d', uses[1].epoch + 1) or '0'
  local use = read_use(epoch, '', '', '', digits, segment, body)
  table.insert(uses, 1, use)
  uses[KEPT_USES + 1] = nil
  return {key = id_key, uses = uses, use = use}, true
end

-- What is asked of a receipt (`Question`), and by what it is told from others: its tag. The canonical forms of its ids,
-- the ids as received and the guesses stay where they are, in ARGV: the numbers of the last of each.
local function take_question()
  local tag, grade, state, base, one, other, count, guesses = take(8)
  local first = at
  local forms = first + count - 1
  local ids = forms + forms - first + 1
  at = (guesses == '0' and ids or ids + guesses) + 1
  return {
    tag = tag, grade = grade, state = state, base = base, one = one, other = other,
    first = first, forms = forms, ids = ids, guesses = at - 1,
  }
end

local function forms_of(question) return {unpack(ARGV, question.first, question.forms)} end
local function guesses_of(question) return {unpack(ARGV, question.ids + 1, question.guesses)} end

local function spelt(use, form)
  return string.find(use.body, '"id":', 1, true) and read_body(use.body).id or form
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

-- The MT that a receipt means: of the first id that has one. Guesses that mean two MTs mean none. Second value: whether
-- it was its first id, so that the same receipt finds it again, whatever other ids come to mean.
local function find(question)
  local count = question.ids - question.forms
  for i = question.first, question.forms do
    local hit = newest(question, ARGV[i], ARGV[i + count])
    if hit then return hit, i == question.first end
  end
  local guessed
  for i = question.ids + 1, question.guesses do
    local hit = newest(question, ARGV[i])
    if hit and guessed and not same_mt(hit.use.body, guessed.use.body) then return nil end
    guessed = guessed or hit
  end
  return guessed, false
end
