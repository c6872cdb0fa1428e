"""Gets receipts and MOs to the ESME through whatever binds may receive, again and again until it says a final word.

It knows the provider's binds, not the nodes: which of them a parcel takes is its own wish and then a matter of
room. Unanswered and put off, a parcel is sent again later, by any bind; while there is no bind it waits.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.simulator.agenda import Agenda
from bridge.simulator.journal import Journal
from bridge.simulator.records import Delivery, Parcel
from bridge.simulator.turn import Turn

if TYPE_CHECKING:
    from bridge.simulator.session import SmscSession

PUT_OFF = frozenset({0x08, 0x14, 0x45, 0x58, 0x64, 0x67, 0xFE, 0xFF})
"""Answers to deliver_sm after which it is sent again; every other one is final."""


@dataclass(slots=True)
class DeliveryCounts:
    """What became of the parcels so far. `open`: promised to the ESME and not ended."""

    open: int = 0
    sent: int = 0
    ok: int = 0
    put_off: int = 0
    refused: int = 0
    unanswered: int = 0


class Deliveries:
    """`timeout_s`: how long an answer is waited for; `again_s`: the pause before the next try; `window`: how many
    deliver_sm may be unanswered on one bind.
    """

    def __init__(
        self,
        agenda: Agenda,
        turn: Turn,
        journal: Journal | None,
        *,
        timeout_s: float,
        again_s: float,
        window: int,
    ) -> None:
        self.counts = DeliveryCounts()
        self.log: list[Delivery] | None = None
        self.receivers: list[SmscSession] = []
        self._agenda = agenda
        self._turn = turn
        self._journal = journal
        self._timeout_s = timeout_s
        self._again_s = again_s
        self._window = window
        self._waiting: deque[Parcel] = deque()
        self._next = 0

    def join(self, session: "SmscSession") -> None:
        """This bind may receive from now on."""
        self.receivers.append(session)
        self.pump()

    def leave(self, session: "SmscSession") -> None:
        """This bind gets nothing more. It may still answer what it has."""
        if session in self.receivers:
            self.receivers.remove(session)

    def lose(self, session: "SmscSession") -> None:
        """This bind is gone: what it has not answered is sent again elsewhere."""
        self.leave(session)
        for _, delivery in session.owed.values():
            self._again(delivery)
        session.owed.clear()

    def send(self, parcel: Parcel) -> None:
        """Sends it now if a bind has room, else when one has."""
        if self._waiting or not self._place(parcel):
            self._waiting.append(parcel)

    def pump(self) -> None:
        """A bind has room (again)."""
        while self._waiting and self._place(self._waiting[0]):
            self._waiting.popleft()

    def answered(self, session: "SmscSession", sequence_number: int, status: int) -> None:
        """The ESME answered a deliver_sm; nothing happens if none with that number is open on this bind."""
        owed = session.owed.pop(sequence_number, None)
        if owed is None:
            return
        delivery = owed[1]
        delivery.status = status
        if self._journal is not None:
            self._journal.deliver_answer(delivery, time.time())
        if status in PUT_OFF:
            self.counts.put_off += 1
            self._agenda.after(self._again_s, self.send, delivery.parcel)
        else:
            delivery.parcel.done = status
            self.counts.open -= 1
            if status == 0:
                self.counts.ok += 1
            else:
                self.counts.refused += 1
        self._turn.touch()
        self.pump()

    def _place(self, parcel: Parcel) -> bool:
        session = self._choose(parcel)
        if session is None:
            return False
        parcel.times_sent += 1
        self.counts.sent += 1
        smsc = session.smsc
        number = session.deliver(parcel.body)
        delivery = Delivery(
            time.time(), smsc.site, smsc.node, session.name, number, parcel.times_sent, parcel
        )
        if self.log is not None:
            self.log.append(delivery)
        if self._journal is not None:
            self._journal.deliver(delivery)
        patience_s = smsc.hooks.patience_s
        if patience_s is None:
            patience_s = self._timeout_s
        if not session.watched:
            session.watched = True
            self._agenda.after(patience_s, self._expire, session)
        session.owed[number] = (asyncio.get_running_loop().time() + patience_s, delivery)
        return True

    def _choose(self, parcel: Parcel) -> "SmscSession | None":
        """The next bind in turn that the parcel likes and that has room; else any with room."""
        receivers = self.receivers
        free = None
        for step in range(len(receivers)):
            position = (self._next + step) % len(receivers)
            session = receivers[position]
            if session.paused or len(session.owed) >= self._window:
                continue
            if parcel.likes(session):
                self._next = position + 1
                return session
            if free is None:
                free = session
        return free

    def _expire(self, session: "SmscSession") -> None:
        """Takes back what this bind did not answer in time, and looks again when the next one is due."""
        now = asyncio.get_running_loop().time()
        owed = session.owed
        session.watched = False
        while owed:
            number, (deadline, delivery) = next(iter(owed.items()))
            if deadline > now:
                session.watched = True
                self._agenda.after(deadline - now, self._expire, session)
                break
            del owed[number]
            self._again(delivery)
        self.pump()

    def _again(self, delivery: Delivery) -> None:
        self.counts.unanswered += 1
        self._agenda.after(self._again_s, self.send, delivery.parcel)
        self._turn.touch()
