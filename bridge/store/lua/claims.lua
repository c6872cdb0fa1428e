-- MTs: claimed, answered, ended.

-- Letter and info of a claim that is finished; nil for any other value.
local function finished(value) return string.match(value or '', '^([DFdfE])|(.*)$') end

local function as_found(verdict, reference, state)
  return reference == '' and verdict or verdict .. '|' .. reference .. '|' .. state
end

-- Why it cannot be claimed, as the reply; or nil, the verdict, and reference and state as found. `again`: RabbitMQ has
-- delivered it before, so that its claim may be among what was lost.
local function try_claim(key, owner, takeover, seen, again)
  local value = get(key)
  if not value and again == '1' and takeover ~= '1' and lost_of_late(true) then return 'lost' end
  if not value then return nil, 'new', '', '' end
  local holder, deadline, reference, state = pending(value)
  if not holder then return 'done|' .. string.sub(value, 3) end
  if holder == owner then return nil, 'mine', reference, state end
  if tonumber(deadline) > now then return 'busy|' .. (tonumber(deadline) - now) end
  if takeover == '1' and state == seen then return nil, 'taken', reference, state end
  return table.concat({'stale', holder, reference, state}, '|')
end

-- Reply: whether Redis lost of late what it was told.
function operations.begin() return lost_of_late(take(1) == '1') and 1 or 0 end

function operations.claim()
  local key, owner, lease_ms, takeover, seen, again = take(6)
  local value = 'P|' .. owner .. '|' .. after(lease_ms)
  if again ~= '1' and put_first(key, value) then return 'new' end
  local refusal, verdict, reference, state = try_claim(key, owner, takeover, seen, again)
  if refusal then return refusal end
  put(key, value)
  return as_found(verdict, reference, state)
end

local function draw(counter)
  if redis.call('EXISTS', counter) == 0 then
    put(counter, clock[1] % 65536)
  else
    redis.call('INCR', counter)
    keep(counter)
  end
  return get(counter)
end

-- One that keeps a state.
function operations.claim_long()
  local key, owner, lease_ms, takeover, seen, again, counter, given, new_state = take(9)
  local refusal, verdict, reference, state = try_claim(key, owner, takeover, seen, again)
  if refusal then return refusal end
  local drawn = counter ~= '' and draw(counter)
  put(key, pending_value(owner, after(lease_ms), drawn or given, new_state))
  return as_found(verdict, drawn or (reference ~= '' and reference) or given, state)
end

function operations.leave()
  local key, owner, reference, state = take(4)
  if pending(get(key) or '') == owner then put(key, pending_value(owner, '0', reference, state)) end
  return 1
end

function operations.finish()
  local key, owner, info = take(3)
  local value = get(key)
  local letter, recorded = finished(value)
  if recorded == info then return 1 end
  if letter or (value and pending(value) ~= owner) then return 0 end
  put(key, 'E|' .. info)
  return 1
end

function operations.amend()
  local key, old, new = take(3)
  local letter, recorded = finished(get(key))
  if not letter or (recorded ~= old and recorded ~= new) then return 0 end
  put(key, letter .. '|' .. new)
  return 1
end

function operations.release()
  local key, owner = take(2)
  local value = get(key)
  if value and pending(value) == owner then redis.call('DEL', key) end
  return 1
end

-- What is recorded of its end; nothing of one that has not ended.
function operations.ending() return select(2, finished(get(take(1)))) or '' end
