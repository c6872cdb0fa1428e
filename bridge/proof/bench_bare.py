"""The bare loop: what a life costs in operations of RabbitMQ and Redis alone, as cheaply as they can be done here.

A yardstick beside the bridge, on the same servers, exchanges and queues. It promises nothing: no SMPP, no validation,
no doubt, no errors, no reconnection, three plain keys a life. It is to stay as it is, or no two figures compare.

    MT: consume, claim; (an SMSC would have it here;) record and correlate, ack; (its receipt would come here;)
        claim and look up in one call, publish the event and have it confirmed, commit
    MO: claim, publish the event and have it confirmed, commit
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiormq
import aiormq.abc
import orjson
from aiormq import spec
from aiormq.channel import Channel
from redis.asyncio import Redis

from bridge.model.names import Names
from bridge.proof.bench_board import Board, now
from bridge.proof.bench_frames import FrameWriter
from bridge.proof.bench_messages import PROVIDER, handset, row_of

WINDOW = 100
"""MTs between claim and record; MOs between claim and commit."""
PREFETCH = 2 * WINDOW
MOST_AT_ONCE = 256
"""Operations in one call."""
ACK_PAUSE_S = 0.004
_KEPT_MS = 259_200_000

_SCRIPT = """
local replies, ms, n = {}, ARGV[1], 1
for i, key in ipairs(KEYS) do
  local word, value = ARGV[2 * i], ARGV[2 * i + 1]
  if word == 'claim' then replies[i] = redis.call('SET', key, value, 'NX', 'PX', ms) and 1 or 0
  elseif word == 'put' then redis.call('SET', key, value, 'PX', ms) replies[i] = 1
  else replies[i] = redis.call('GET', key) or '' end
end
return replies
"""

Told = Callable[[Any], None]


class Calls:
    """Gathers Redis operations over a loop turn into one script call; one call at a time."""

    def __init__(self, client: Redis, sha: str) -> None:
        self._client = client
        self._sha = sha
        self._waiting = deque[tuple[bytes, str, bytes, Told | None]]()
        self._running: asyncio.Task[None] | None = None

    def add(self, key: bytes, word: str, value: bytes = b"", told: Told | None = None) -> None:
        """One operation: claim, put or get."""
        self._waiting.append((key, word, value, told))
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        waiting = self._waiting
        while waiting:
            batch = [waiting.popleft() for _ in range(min(len(waiting), MOST_AT_ONCE))]
            words: list[Any] = [part for _, word, value, _ in batch for part in (word, value)]
            keys = [key for key, *_ in batch]
            replies: Sequence[Any] = await self._client.evalsha(self._sha, len(keys), *keys, _KEPT_MS, *words)
            for (_, _, _, told), reply in zip(batch, replies, strict=True):
                if told is not None:
                    told(reply)
        self._running = None


class Acks:
    """Acks of the contiguous prefix, a few milliseconds' worth in one frame."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._done: set[int] = set()
        self._told = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def add(self, tag: int) -> None:
        """This delivery is done with."""
        self._done.add(tag)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ACK_PAUSE_S, self._tell)

    async def written(self) -> None:
        """Write what is done with now, and wait until that is on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()
        await asyncio.gather(*self._writing)

    def _tell(self) -> None:
        self._timer = None
        last = self._told
        while last + 1 in self._done:
            last += 1
            self._done.discard(last)
        if last > self._told:
            self._told = last
            task = asyncio.get_running_loop().create_task(
                self._channel.basic_ack(last, multiple=True, wait=False)
            )
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)


class BareLoop:
    """One round. `mts` or `mos`, once; it ends when every row of the board is through."""

    def __init__(self, names: Names, route: str, board: Board, calls: Calls, writer: FrameWriter) -> None:
        self._names = names
        self._queue = names.route_queue(route, "bulk")
        self._board = board
        self._calls = calls
        self._writer = writer
        self._key = names.prefix.encode() + b":%b:%b"
        self._free = WINDOW
        self._waiting = deque[tuple[dict[str, Any], int]]()
        self._ended = asyncio.Event()
        self._through = 0

    async def mts(self, channel: Channel) -> None:
        """Take MTs from the route's queue."""
        self._acks = Acks(channel)
        await channel.basic_qos(prefetch_count=PREFETCH)
        self._board.count("ready")
        await channel.basic_consume(self._queue, self._take)
        await self._ended.wait()
        await self._acks.written()
        await channel.close()  # which RabbitMQ answers when it has all of them

    async def mos(self, tag: str) -> None:
        """Pretend that MOs came. `tag`: the round's, so that no id comes twice."""
        self._board.count("ready")
        rows = iter(range(self._board.rows))

        def begin(_: object = None) -> None:
            row = next(rows, None)
            if row is not None:
                self._inbound(
                    row, f"{tag}-{row}", f"mo.{PROVIDER}.12345", {"type": "mo", "text": "YES"}, begin
                )

        for _ in range(WINDOW):
            begin()
        await self._ended.wait()

    async def _take(self, message: aiormq.abc.DeliveredMessage) -> None:
        frame = message.delivery
        assert isinstance(frame, spec.Basic.Deliver)  # noqa: S101 - what a consumer gets
        self._waiting.append((orjson.loads(message.body), frame.delivery_tag or 0))
        self._pump()

    def _pump(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            mt, tag = self._waiting.popleft()
            self._calls.add(
                self._key % (b"c", mt["id"].encode()),
                "claim",
                b"P|bare|1|99999999",
                partial(self._claimed, mt, tag),
            )

    def _claimed(self, mt: dict[str, Any], tag: int, _: object) -> None:
        to = mt["to"].encode()
        row = row_of(to, 0, len(to))
        board = self._board
        board.taken[row] = now()
        board.copies[row] += 1
        board.count("taken")
        mt_id = mt["id"].encode()
        self._calls.add(self._key % (b"c", mt_id), "put", b"D|%010d" % row)
        entry = orjson.dumps({"id": mt["id"], "to": mt["to"]})
        self._calls.add(self._key % (b"m", mt_id), "put", entry, partial(self._recorded, row, mt_id, tag))

    def _recorded(self, row: int, mt_id: bytes, tag: int, _: object) -> None:
        self._acks.add(tag)
        self._free += 1
        self._pump()
        event_id = f"{mt_id.decode()}:DELIVRD"
        self._calls.add(self._key % (b"d", event_id.encode()), "claim", b"P|bare")
        self._calls.add(self._key % (b"m", mt_id), "get", b"", partial(self._correlated, row, event_id))

    def _correlated(self, row: int, event_id: str, entry: bytes) -> None:
        event = {
            "type": "dr",
            "event_id": event_id,
            "mt_id": orjson.loads(entry)["id"],
            "smsc_id": event_id,
            "state": "delivered",
            "final": True,
            "matched": True,
            "error": "000",
            "submitted_at": "2026-11-22T16:00",
            "done_at": "2026-11-22T16:00",
            "provider": PROVIDER,
            "site": "one",
        }
        self._publish(row, event_id, f"dr.{PROVIDER}.delivered", event, None)

    def _inbound(self, row: int, event_id: str, key: str, event: dict[str, Any], then: Told) -> None:
        board = self._board
        board.sent[row] = now()

        def claimed(_: object) -> None:
            board.count("taken")
            number = handset(row).decode()
            self._publish(row, event_id, key, event | {"event_id": event_id, "from": number}, then)

        self._calls.add(self._key % (b"d", event_id.encode()), "claim", b"P|bare", claimed)

    def _publish(self, row: int, event_id: str, key: str, event: dict[str, Any], then: Told | None) -> None:
        def confirmed(_: object) -> None:
            done = partial(self._committed, row, then)
            self._calls.add(self._key % (b"d", event_id.encode()), "put", b"D", done)

        self._writer.put(key, event_id.encode(), orjson.dumps(event), confirmed)

    def _committed(self, row: int, then: Told | None, _: object) -> None:
        self._board.answered[row] = now()
        self._board.count("answered")
        self._through += 1
        if self._through == self._board.rows:
            self._ended.set()
        elif then is not None:
            then(None)


async def run_bare(
    amqp_url: str, redis_url: str, names: Names, route: str, board: Board, *, mos: bool
) -> None:
    """One round, on connections of its own: the library's, without what the bridge does to be faster."""
    async with (
        aiormq.connect(amqp_url) as connection,
        Redis.from_url(redis_url, single_connection_client=True) as client,
    ):
        sha = await client.script_load(_SCRIPT)
        writer = FrameWriter(await _channel(connection, confirms=True), names.events)
        loop = BareLoop(names, route, board, Calls(client, sha), writer)
        if mos:
            await loop.mos(str(int(now() * 1000)))
        else:
            await loop.mts(await _channel(connection))
        board.count("ended")


async def _channel(connection: aiormq.Connection, *, confirms: bool = False) -> Channel:
    channel = await connection.channel(publisher_confirms=confirms)
    assert isinstance(channel, Channel)  # noqa: S101 - the library's only class of them
    return channel
