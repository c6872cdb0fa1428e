"""A plain ESME for the simulator's tests: it remembers every PDU in the order it came, and every read."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from typing import cast

from bridge.model.inbound import Concat
from bridge.simulator.behaviour import Behaviour
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from bridge.smpp.codec import build_deliver_sm_resp, decode_deliver_sm, encode_submit_sm, read_message_id
from bridge.smpp.cold import build_bind
from bridge.smpp.framing import Frame, Framer, build_pdu
from bridge.smpp.pdus import BindRequest, DeliverSm, SubmitSm

LIMIT_S = 10.0
PASSWORD = "secret"
HANDSET = "447700900001"
_CONNECTED: "list[Esme]" = []
"""Those that `hang_up` closes."""


class Esme(asyncio.Protocol):
    """One connection. `answer` is the status given to deliver_sm, None for none."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.reads: list[bytes] = []
        self.answer: int | None = consts.ESME_ROK
        self.closed = False
        self.broken: str | None = None
        self._framer = Framer()
        self._happened = asyncio.Event()
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed = True
        self._happened.set()

    def data_received(self, data: bytes) -> None:
        self.reads.append(data)
        for frame in self._framer.feed(data):
            self.frames.append(frame)
            if frame.command_id == consts.DELIVER_SM and self.answer is not None:
                self.transport.write(build_deliver_sm_resp(frame.sequence_number, self.answer))
            if frame.command_id == consts.UNBIND:
                self.transport.write(build_pdu(consts.UNBIND_RESP, 0, frame.sequence_number))
        self.broken = self._framer.broken
        self._happened.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition is true; fails after a while."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._happened.clear()
                await self._happened.wait()

    def send(self, command_id: int, body: bytes = b"", status: int = 0) -> int:
        """Sends a request and tells its sequence number."""
        self._number += 1
        self.transport.write(build_pdu(command_id, status, self._number, body))
        return self._number

    async def response(self, number: int) -> Frame:
        """The response to this request."""
        await self.until(lambda: any(self._responses(number)))
        return next(iter(self._responses(number)))

    def _responses(self, number: int) -> list[Frame]:
        return [f for f in self.frames if f.sequence_number == number and f.command_id & consts.RESPONSE]

    async def bind(
        self,
        command_id: int = consts.BIND_TRANSCEIVER,
        *,
        system_id: str = "bridge",
        password: str = PASSWORD,
    ) -> int:
        """Binds, and tells the status of the answer."""
        self._number += 1
        request = BindRequest(system_id=system_id, password=password)
        self.transport.write(build_bind(command_id, self._number, request))
        return (await self.response(self._number)).command_status

    def submit(self, text: str = "hello", *, receipt: int = 1, segment: Concat | None = None) -> int:
        """Sends a submit_sm and tells its sequence number."""
        udh = bytes((5, 0, 3, segment.ref, segment.total, segment.seq)) if segment else b""
        return self.send(
            consts.SUBMIT_SM,
            encode_submit_sm(
                SubmitSm(
                    source_addr="12345",
                    destination_addr=HANDSET,
                    esm_class=consts.ESM_CLASS_UDHI if segment else 0,
                    registered_delivery=receipt,
                    short_message=udh + text.encode(),
                )
            ),
        )

    async def submitted(
        self, text: str = "hello", *, receipt: int = 1, segment: Concat | None = None
    ) -> tuple[int, str]:
        """Sends a submit_sm and gives status and message id of its answer."""
        frame = await self.response(self.submit(text, receipt=receipt, segment=segment))
        return frame.command_status, read_message_id(frame.body)

    @property
    def delivered(self) -> list[DeliverSm]:
        """The deliver_sm that came."""
        return [decode_deliver_sm(f.body) for f in self.frames if f.command_id == consts.DELIVER_SM]

    @property
    def commands(self) -> list[int]:
        """The command ids that came, in order."""
        return [frame.command_id for frame in self.frames]


async def connect(smsc: SimulatedSmsc, tls: ssl.SSLContext | None = None) -> Esme:
    """A connection, not bound. With TLS the SMSC's name must be localhost."""
    loop = asyncio.get_running_loop()
    name = "localhost" if tls else None
    _, esme = await loop.create_connection(Esme, smsc.host, smsc.port, ssl=tls, server_hostname=name)
    _CONNECTED.append(esme)
    return esme


async def bound(
    smsc: SimulatedSmsc,
    command_id: int = consts.BIND_TRANSCEIVER,
    *,
    system_id: str = "bridge",
    password: str = PASSWORD,
    tls: ssl.SSLContext | None = None,
) -> Esme:
    """A connection, bound."""
    esme = await connect(smsc, tls)
    assert await esme.bind(command_id, system_id=system_id, password=password) == consts.ESME_ROK
    return esme


async def hang_up() -> None:
    """Closes every connection of this test."""
    while _CONNECTED:
        esme = _CONNECTED.pop()
        esme.transport.abort()
        await esme.until(lambda esme=esme: esme.closed)  # type: ignore[misc]


def quick_network(
    receipt_delay_s: float = 0.0,
    *,
    deliver_timeout_s: float = 10.0,
    deliver_window: int = 100,
    backlog: int = 1000,
) -> Network:
    """A provider in a hurry."""
    return Network(
        receipt_delay_s=receipt_delay_s,
        deliver_again_s=0.01,
        deliver_timeout_s=deliver_timeout_s,
        deliver_window=deliver_window,
        backlog=backlog,
        first_id=1000,
    )


@contextlib.asynccontextmanager
async def listening(
    *behaviours: Behaviour, network: Network | None = None, sites: Iterable[str] = ("dc3",)
) -> AsyncIterator[list[SimulatedSmsc]]:
    """SMSCs of one provider, one per named site (a name may come twice), each with these behaviours."""
    network = network or quick_network()
    nodes = [SimulatedSmsc(network=network, behaviours=behaviours, site=site) for site in sites]
    for node in nodes:
        await node.start()
    try:
        yield nodes
    finally:
        for node in nodes:
            node.kill()
        network.close()
        await hang_up()
