-- MTs whose final receipts did not come in time.

-- The MT of a member of the list: a hit, the known states of its segments, doubled; nil if it needs nothing any more.
-- One that has ended and stands here yet was not told of: its worker died, and the receipt was not sent again.
local function awaited(member)
  local kind, rest = string.match(member, '^(%a)|(.*)$')
  if kind == 's' then
    local hit = hit_at(rest)
    if not hit then return nil end
    return hit, ended_by(hit.use) == '' and string.sub(hit.use.mark, 2) or '', 0
  end
  local join = read_hash(rest)
  if not join.run then return nil end
  for n = 1, tonumber(join.of) do
    local place = string.sub(join['s' .. n] or '', 2)
    local hit = place ~= '' and hit_at(place)
    if hit then return hit, states_of(join), join.dup and 1 or 0 end
  end
end

-- What cannot be read is told to nobody, and is looked at again when its lease has passed. Reply: {member, states, id
-- key, digits, segment, body, doubled}...
function operations.due_receipts()
  local limit, lease_ms = take(2)
  local found = {}
  for _, member in ipairs(due(DUE_RECEIPTS, limit)) do
    enlist(DUE_RECEIPTS, member, after(lease_ms))
    local readable, hit, states, doubled = pcall(awaited, member)
    if readable and hit then
      found[#found + 1] = {member, states, mt_of(hit, doubled)}
    elseif readable then
      delist(DUE_RECEIPTS, member)
    end
  end
  return found
end

function operations.settled()
  delist(DUE_RECEIPTS, take(1))
  return 1
end
