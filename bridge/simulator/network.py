"""A simulated provider: what all its nodes share. It takes messages, names them, owes receipts, brings MOs.

One space of message ids and one record of everything, whichever node a message came to; a receipt may leave
through any bind of any node. It knows nothing of sockets.
"""

import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.simulator.agenda import Agenda
from bridge.simulator.behaviour import Plan
from bridge.simulator.deliveries import Deliveries
from bridge.simulator.handsets import Handsets
from bridge.simulator.journal import Journal
from bridge.simulator.mos import MoSource, SmppTexts
from bridge.simulator.receipts import build_receipt, receipt_of, wants_receipt
from bridge.simulator.records import Delivery, Kind, Parcel, Submit
from bridge.simulator.segments import read_segment
from bridge.simulator.turn import Turn
from bridge.simulator.writing import Keypad, Manner
from bridge.smpp.codec import encode_deliver_sm
from bridge.smpp.consts import ESME_RMSGQFUL
from bridge.smpp.pdus import DeliverSm, SubmitSm
from bridge.text.alphabets import Alphabets

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.simulator.session import SmscSession
    from bridge.simulator.smsc import SimulatedSmsc

HANDSET = "447700900123"
SHORT_CODE = "12345"
PLAIN = Manner()


class Network:
    """The provider.

    `receipt_delay_s`: from taking a message to its receipt. `mo_rate`: texts from phones a second, every
    `long_mo_every`th of several segments. `log`: a file of JSON lines (`journal.py`) appended to.
    `keep_records`: remember every submit, message and delivery in the lists of those names, and what the phones show
    in `handsets`; off for long runs.
    `deliver_timeout_s`, `deliver_again_s`, `deliver_window`: how receipts and MOs are pressed on the ESME.
    `backlog`: so many receipts and MOs may be open; above it submit_sm is refused with ESME_RMSGQFUL.
    `alphabet`: what data_coding 0 means in MOs, in the configuration's words.
    `first_id`: the first message id; by default the microseconds of the clock, new with each process.
    """

    def __init__(
        self,
        *,
        receipt_delay_s: float = 0.05,
        mo_rate: float = 0.0,
        long_mo_every: int = 0,
        log: Path | None = None,
        keep_records: bool = True,
        deliver_timeout_s: float = 10.0,
        deliver_again_s: float = 1.0,
        deliver_window: int = 100,
        backlog: int = 1_000_000,
        alphabet: str = "gsm",
        first_id: int | None = None,
    ) -> None:
        self.submits: list[Submit] = []
        self.messages: list[Submit] = []
        self.deliveries: list[Delivery] = []
        self.handsets = Handsets(Alphabets(alphabet))
        self.binds = 0
        self.submit_counts: dict[str, int] = {"received": 0, "taken": 0, "refused": 0, "unanswered": 0}
        self.journal = Journal(log) if log else None
        self.turn = Turn(self.journal)
        self.agenda = Agenda()
        self.outbox = Deliveries(
            self.agenda,
            self.turn,
            self.journal,
            timeout_s=deliver_timeout_s,
            again_s=deliver_again_s,
            window=deliver_window,
        )
        self._keypad = Keypad(alphabet)
        self._references = count(1)
        self._keep_records = keep_records
        if keep_records:
            self.outbox.log = self.deliveries
        self._receipt_delay_s = receipt_delay_s
        self._backlog = backlog
        self._numbers = count(first_id if first_id is not None else time.time_ns() // 1000)
        self._mos = MoSource(
            self.agenda,
            mo_rate,
            write=SmppTexts(self, long_mo_every).write,
            room=lambda: not self.full,
        )

    def start(self) -> None:
        """A node is up: MOs begin to flow. To be called inside the loop; calling it again does nothing."""
        self._mos.start()

    def close(self) -> None:
        """Forgets what is still owed and closes the log."""
        self._mos.stop()
        self.agenda.clear()
        self.turn.end()
        if self.journal is not None:
            self.journal.close()

    async def until(self, condition: "Callable[[], bool]") -> None:
        """Returns as soon as the condition is true. It is asked after each thing that happens here."""
        await self.turn.until(condition)

    # -- what comes in ------------------------------------------------------------------------------------------

    def submitted(self, session: "SmscSession", sequence_number: int, pdu: SubmitSm) -> None:
        """A readable submit_sm came in on a bind that may transmit: plan it, take it, answer it, owe its receipt."""
        number = next(self._numbers)
        spelt = str(number)
        segment = read_segment(pdu)
        plan = Plan(session, sequence_number, pdu, segment, number, spelt, spelt, self._receipt_delay_s)
        for change in session.smsc.hooks.on_submit:
            change(plan)
        if plan.taken and self.outbox.counts.open >= self._backlog:
            plan.refuse(ESME_RMSGQFUL)
        submit = self._record(plan)
        receipt_due = plan.taken and wants_receipt(pdu.registered_delivery, plan.state)
        if receipt_due and plan.receipt_first:
            self._promise_receipts(submit, plan)
        if plan.status is not None:
            if plan.answer_delay_s:
                self.agenda.after(plan.answer_delay_s, self._answer_late, submit, plan)
            else:
                session.answer_submit(sequence_number, plan.status, submit.message_id or "")
        if receipt_due and not plan.receipt_first:
            self._promise_receipts(submit, plan)
        for act in plan.then:
            act(session)

    def _record(self, plan: Plan) -> Submit:
        session, pdu = plan.session, plan.pdu
        smsc = session.smsc
        submit = Submit(
            time.time(),
            smsc.site,
            smsc.node,
            session.name,
            plan.sequence_number,
            pdu.source_addr,
            pdu.destination_addr,
            pdu.payload,
            pdu.data_coding,
            pdu.registered_delivery,
            pdu.esm_class,
            pdu.tlvs,
            plan.segment,
            plan.answer_id if plan.taken else None,
            None if plan.answer_delay_s else plan.status,
            plan.receipt_id if plan.taken else None,
        )
        counts = self.submit_counts
        counts["received"] += 1
        if plan.taken:
            counts["taken"] += 1
        if plan.status is None:
            counts["unanswered"] += 1
        elif not plan.taken:
            counts["refused"] += 1
        if self._keep_records:
            self.submits.append(submit)
            if plan.taken:
                self.messages.append(submit)
                self.handsets.take(submit)
        if self.journal is not None:
            self.journal.submit(submit)
        self.turn.touch()
        return submit

    def _answer_late(self, submit: Submit, plan: Plan) -> None:
        if plan.status is None or not plan.session.alive:
            return
        submit.status = plan.status
        if self.journal is not None:
            self.journal.answer(submit, time.time())
        plan.session.answer_submit(plan.sequence_number, plan.status, submit.message_id or "")

    def noted(self, event: str, smsc: "SimulatedSmsc", **fields: Any) -> None:
        """Something happened to a node or a bind: for the journal and for those who wait."""
        if self.journal is not None:
            self.journal.note(event, time.time(), site=smsc.site, node=smsc.node, **fields)
        self.turn.touch()

    # -- what goes out ------------------------------------------------------------------------------------------

    def _promise_receipts(self, submit: Submit, plan: Plan) -> None:
        self.outbox.counts.open += plan.receipt_copies
        for copy in range(plan.receipt_copies):
            delay_s = (0.0 if plan.receipt_first else plan.receipt_delay_s) + copy * plan.receipt_gap_s
            if delay_s:
                self.agenda.after(delay_s, self._send_receipt, submit, plan)
            else:
                self._send_receipt(submit, plan)

    def _send_receipt(self, submit: Submit, plan: Plan) -> None:
        receipt = receipt_of(plan.pdu, plan.receipt_id, plan.state, plan.error, submit.at)
        parcel = _parcel("receipt", plan.answer_id, receipt)
        parcel.origin = plan.session
        parcel.way = plan.way
        self.outbox.send(parcel)

    def send_mo(
        self,
        text: str | None = None,
        *,
        source: str = HANDSET,
        destination: str = SHORT_CODE,
        name: str | None = None,
        manner: Manner = PLAIN,
    ) -> list[Parcel]:
        """A text from a phone, in the default alphabet or UCS-2; by default it says its own name, `mo-<number>`.

        One parcel of that name; of a long text one `<name>/<segment>` for each segment. Raises ValueError.
        """
        name = name or self.next_name()
        reference = next(self._references) if manner.reference is None else manner.reference
        written = self._keypad.write(
            name if text is None else text,
            source=source,
            destination=destination,
            manner=manner,
            reference=reference,
        )
        return [self.send("mo", f"{name}/{number}" if number else name, pdu) for number, pdu in written]

    def next_name(self) -> str:
        """The name of an MO that no other has."""
        return f"mo-{next(self._numbers)}"

    def send_receipt(
        self, message_id: str, *, handset: str = HANDSET, sender: str = SHORT_CODE, state: str = "DELIVRD"
    ) -> Parcel:
        """A receipt on demand, also of a message that nobody sent."""
        now = time.time()
        pdu = build_receipt(message_id, state, handset=handset, sender=sender, submitted_at=now, done_at=now)
        return self.send("receipt", message_id, pdu)

    def send_strange_receipts(self, count: int) -> list[str]:
        """So many receipts at once, of messages that nobody sent; tells their ids."""
        ids = [str(next(self._numbers)) for _ in range(count)]
        for message_id in ids:
            self.send_receipt(message_id)
        return ids

    def send(self, kind: Kind, name: str, pdu: DeliverSm) -> Parcel:
        """Any deliver_sm, through whatever bind may receive."""
        parcel = _parcel(kind, name, pdu)
        self.outbox.counts.open += 1
        self.outbox.send(parcel)
        self.turn.touch()
        return parcel

    @property
    def full(self) -> bool:
        """No more can be owed."""
        return self.outbox.counts.open >= self._backlog

    def stats(self) -> dict[str, Any]:
        """Counters since the start, for progress lines and the control port."""
        counts = self.outbox.counts
        return {
            "binds": self.binds,
            "submits": dict(self.submit_counts),
            "mos": self._mos.sent,
            "deliveries": {
                "sent": counts.sent,
                "ok": counts.ok,
                "put_off": counts.put_off,
                "refused": counts.refused,
                "unanswered": counts.unanswered,
                "open": counts.open,
            },
        }


def _parcel(kind: Kind, name: str, pdu: DeliverSm) -> Parcel:
    return Parcel(
        kind, name, pdu.source_addr, pdu.destination_addr, pdu.short_message, encode_deliver_sm(pdu)
    )
