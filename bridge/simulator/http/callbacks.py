"""Gets callbacks to the client's URLs, again and again until one is answered 2XX or their repeats are used up.

It knows no sites and no messages. Many are under way at the same time, in no order.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlencode

from bridge.simulator.agenda import Agenda
from bridge.simulator.http.caller import CallbackUrl, Caller, CallFailed
from bridge.simulator.http.journal import HttpJournal
from bridge.simulator.http.records import Callback, Sent
from bridge.simulator.turn import Turn


@dataclass(slots=True)
class CallbackCounts:
    """What became of the callbacks so far. `open`: promised to the client and not ended."""

    open: int = 0
    sent: int = 0
    ok: int = 0
    refused: int = 0
    unanswered: int = 0
    given_up: int = 0


class Callbacks:
    """`urls` are called in turn, with `token` as Bearer token unless it is empty or they have a user.

    `again_s`: the pause before the next try; `timeout_s`: how long an answer is waited for; `parallel`: so many
    requests at the same time. Raises ValueError where a URL is none.
    """

    def __init__(
        self,
        agenda: Agenda,
        turn: Turn,
        journal: HttpJournal | None,
        *,
        urls: Sequence[str],
        token: str,
        again_s: float,
        timeout_s: float,
        parallel: int,
        sends_again: Callable[[Callback], bool],
    ) -> None:
        self.counts = CallbackCounts()
        self.log: list[Sent] | None = None
        self._agenda = agenda
        self._turn = turn
        self._journal = journal
        self._urls = [CallbackUrl.read(url, token) for url in urls]
        self._turns = cycle(self._urls)
        self._again_s = again_s
        self._timeout_s = timeout_s
        self._parallel = parallel
        self._sends_again = sends_again
        self._waiting: asyncio.Queue[Callback] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to send, unless it has begun or has nowhere to send to."""
        if self._urls and self._running is None:
            self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends what is under way and sends nothing more."""
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.wait((self._running,))
        if not self._running.cancelled():
            self._running.result()

    def promise(self, callback: Callback, after_s: float) -> None:
        """Sends it after so many seconds. Without a URL it is owed for ever."""
        self.counts.open += 1
        if after_s:
            self._agenda.after(after_s, self._waiting.put_nowait, callback)
        else:
            self._waiting.put_nowait(callback)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._parallel):
                group.create_task(self._send_all())

    async def _send_all(self) -> None:
        callers = {url: Caller(url, self._timeout_s) for url in self._urls}
        try:
            while True:
                callback = await self._waiting.get()
                await self._send(callers[next(self._turns)], callback)
        finally:
            for caller in callers.values():
                caller.close()

    async def _send(self, caller: Caller, callback: Callback) -> None:
        callback.times_sent += 1
        self.counts.sent += 1
        sent = Sent(time.time(), caller.url.shown, callback.times_sent, callback)
        if self.log is not None:
            self.log.append(sent)
        self._turn.touch()
        try:
            sent.status = await caller.post(urlencode(callback.fields).encode())
        except CallFailed as error:
            sent.error = str(error)
        if self._journal is not None:
            self._journal.callback(sent)
        self._settle(callback, sent.status)
        self._turn.touch()

    def _settle(self, callback: Callback, status: int | None) -> None:
        counts = self.counts
        if status is not None and 200 <= status < 300:
            counts.ok += 1
            callback.accepted += 1
            if callback.open:
                callback.open = False
                counts.open -= 1
            if self._sends_again(callback):
                self._waiting.put_nowait(callback)
            return
        if status is None:
            counts.unanswered += 1
        else:
            counts.refused += 1
        if callback.repeats:
            callback.repeats -= 1
            self._agenda.after(self._again_s, self._waiting.put_nowait, callback)
        elif callback.open:
            callback.open = False
            counts.open -= 1
            counts.given_up += 1
            if self._journal is not None:
                self._journal.given_up(callback)
