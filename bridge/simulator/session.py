"""One connection at a simulated SMSC: octets in, PDUs answered, everything of a loop turn written at once.

It keeps the protocol's manners (who may do what in which state) and asks the network what to do with messages.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from bridge.simulator.records import Delivery
from bridge.smpp import consts
from bridge.smpp.codec import BadPdu, build_submit_sm_resp, decode_submit_sm
from bridge.smpp.cold import build_bind_resp, decode_bind
from bridge.smpp.framing import Frame, Framer, build_pdu

if TYPE_CHECKING:
    from bridge.simulator.smsc import SimulatedSmsc

SYSTEM_ID = "simulator"
"""What the SMSC calls itself in the answer to a bind."""


class SmscSession(asyncio.Protocol):
    """An ESME's connection.

    `owed` are the deliver_sm it has not answered, by sequence number, oldest first, with the loop time at which
    patience ends; `watched` says that an expiry is on the agenda. Both belong to `deliveries.py`.
    """

    def __init__(self, smsc: "SimulatedSmsc", name: str) -> None:
        self.smsc = smsc
        self.name = name
        self.alive = False
        self.transmits = False
        self.receives = False
        self.paused = False
        self.deaf = False
        self.submits = 0
        self.owed: dict[int, tuple[float, Delivery]] = {}
        self.watched = False
        self._network = smsc.network
        self._framer = Framer()
        self._gathered: list[bytes] = []
        self._meddlers = smsc.hooks.write
        self._held = 0
        self._sequence_number = 0
        self._closing = False
        self._handlers = {
            consts.SUBMIT_SM: self._submit,
            consts.DELIVER_SM_RESP: self._deliver_answered,
            consts.GENERIC_NACK: self._deliver_answered,
            consts.ENQUIRE_LINK: self._enquire_link,
            consts.BIND_TRANSCEIVER: self._bind,
            consts.BIND_TRANSMITTER: self._bind,
            consts.BIND_RECEIVER: self._bind,
            consts.UNBIND: self._unbind,
            consts.UNBIND_RESP: self._unbound,
            consts.ENQUIRE_LINK_RESP: self._nothing,
        }

    # -- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection: it is nobody's until it binds."""
        self._transport = cast("asyncio.Transport", transport)
        self.alive = True
        self.smsc.sessions.add(self)
        for greet in self.smsc.hooks.on_connect:
            greet(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Gone, whoever ended it: what the ESME has not answered goes elsewhere."""
        self._leave()
        self.smsc.sessions.discard(self)
        self._network.turn.touch()

    def pause_writing(self) -> None:
        """The ESME does not read: no receipts and MOs for it until it does.

        It is still read from, or two that wait for each other would wait for ever; its window bounds our answers.
        """
        self.paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self.paused = False
        self._network.outbox.pump()

    def data_received(self, data: bytes) -> None:
        """Octets of any number of PDUs, or of a part of one."""
        if self.deaf:
            return
        for frame in self._framer.feed(data):
            if not self.alive:
                return
            handle = self._handlers.get(frame.command_id)
            if handle is None:
                self._answer(consts.GENERIC_NACK, consts.ESME_RINVCMDID, frame.sequence_number)
            else:
                handle(frame)
        if self._framer.broken:
            self._answer(consts.GENERIC_NACK, consts.ESME_RINVCMDLEN, 0)
            self.close()

    # -- what the ESME asks -------------------------------------------------------------------------------------

    def _bind(self, frame: Frame) -> None:
        status = self._judge_bind(frame)
        self.gather(
            build_bind_resp(
                frame.command_id, frame.sequence_number, status, SYSTEM_ID, consts.INTERFACE_VERSION
            )
        )
        if status == consts.ESME_RALYBND:
            return
        if status != consts.ESME_ROK:
            self.close()
            return
        self.transmits = frame.command_id != consts.BIND_RECEIVER
        self.receives = frame.command_id != consts.BIND_TRANSMITTER
        self._network.binds += 1
        self._network.noted("bound", self.smsc, bind=self.name)
        if self.receives:
            self._network.outbox.join(self)

    def _judge_bind(self, frame: Frame) -> int:
        if self.transmits or self.receives:
            return consts.ESME_RALYBND
        try:
            request = decode_bind(frame.body)
        except BadPdu:
            return consts.ESME_RBINDFAIL
        if request.system_id != self.smsc.system_id:
            return consts.ESME_RINVSYSID
        if request.password != self.smsc.password:
            return consts.ESME_RINVPASWD
        for judge in self.smsc.hooks.on_bind:
            status = judge(self)
            if status is not None:
                return status
        return consts.ESME_ROK

    def _submit(self, frame: Frame) -> None:
        if not self.transmits:
            self.answer_submit(frame.sequence_number, consts.ESME_RINVBNDSTS, "")
            return
        try:
            pdu = decode_submit_sm(frame.body)
        except BadPdu:
            self.answer_submit(frame.sequence_number, consts.ESME_RINVMSGLEN, "")
            return
        self.submits += 1
        self._network.submitted(self, frame.sequence_number, pdu)

    def answer_submit(self, sequence_number: int, status: int, message_id: str) -> None:
        """Answers a submit_sm."""
        self.gather(build_submit_sm_resp(sequence_number, status, message_id))

    def _deliver_answered(self, frame: Frame) -> None:
        self._network.outbox.answered(self, frame.sequence_number, frame.command_status)

    def _enquire_link(self, frame: Frame) -> None:
        if self.smsc.hooks.answers_enquire_link:
            self._answer(consts.ENQUIRE_LINK_RESP, consts.ESME_ROK, frame.sequence_number)

    def _unbind(self, frame: Frame) -> None:
        self._answer(consts.UNBIND_RESP, consts.ESME_ROK, frame.sequence_number)
        self.close()

    def _unbound(self, frame: Frame) -> None:  # noqa: ARG002 - as all handlers
        if self._closing:
            self.close()

    def _nothing(self, frame: Frame) -> None:
        """An answer that needs nothing done."""

    # -- what the SMSC does -------------------------------------------------------------------------------------

    def deliver(self, body: bytes) -> int:
        """Sends a deliver_sm and tells its sequence number."""
        return self._request(consts.DELIVER_SM, body)

    def unbind(self) -> None:
        """Asks the ESME to go: nothing more is delivered to it; it is closed when it has answered."""
        self._network.outbox.leave(self)
        self._closing = True
        self._request(consts.UNBIND)

    def gather(self, octets: bytes) -> None:
        """These octets, PDU or not, leave at the end of this loop turn."""
        if not self._gathered:
            self._network.turn.flush_later(self)
        self._gathered.append(octets)

    def flush(self) -> None:
        """Writes what was gathered, through the behaviours that meddle with it.

        Those that still hold something back keep it until that is out: nothing new may overtake it.
        """
        data = b"".join(self._gathered)
        self._gathered.clear()
        if self.alive and data:
            if not self._held:
                self._meddlers = self.smsc.hooks.write
            self._held += len(data)
            onward: Callable[[bytes], None] = self._write
            for meddle in reversed(self._meddlers):
                onward = partial(meddle, self, onward=onward)
            onward(data)

    def _write(self, data: bytes) -> None:
        self._held -= len(data)
        if self.alive:
            self._transport.write(data)

    def close(self) -> None:
        """Closes when all that was gathered has been written."""
        self._network.turn.end()
        self._leave()
        self._transport.close()

    def cut(self) -> None:
        """Ends the connection without another word; what was gathered before has been handed to the kernel."""
        self._network.turn.end()
        self._leave()
        self._transport.abort()

    def _request(self, command_id: int, body: bytes = b"") -> int:
        self._sequence_number = self._sequence_number % consts.MAX_SEQUENCE + 1
        self.gather(build_pdu(command_id, consts.ESME_ROK, self._sequence_number, body))
        return self._sequence_number

    def _answer(self, command_id: int, status: int, sequence_number: int) -> None:
        self.gather(build_pdu(command_id, status, sequence_number))

    def _leave(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._network.outbox.lose(self)
        if self.transmits or self.receives:
            self.transmits = self.receives = False
            self._network.binds -= 1
            self._network.noted("lost", self.smsc, bind=self.name)
