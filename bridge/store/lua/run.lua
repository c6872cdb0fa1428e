-- The list of operations: executed in order, a reply for each.

local TURN, TURN_MS = prefix .. ':turn:' .. worker, 3600000

-- The first of each turn, and again now and then: whether Redis takes writes, and that older turns are over.
function operations.probe()
  put(TURN, turn, TURN_MS)
  return 1
end

if (tonumber(get(TURN)) or 0) > turn then return redis.error_reply('LATE of a turn that is over') end

-- What Redis refuses for its own sake (OOM, READONLY, ...) it refuses to all: the whole script fails with it. A value
-- that none of us wrote, or a mistake in here, is the trouble of one operation: the error is its reply.
local function of_one_operation(code) return code == nil or code == 'ERR' or code == 'WRONGTYPE' end

local replies = {}
while at <= #ARGV do
  local fine, reply = pcall(operations[take(1)])  -- takes all its arguments before it does anything
  if not fine then
    local message = type(reply) == 'table' and reply.err or reply
    local code = string.match(message, '^(%u+) ')
    reply = redis.error_reply(code and message or 'ERR ' .. message)
    if not of_one_operation(code) then return reply end
  end
  replies[#replies + 1] = reply
end
return replies
