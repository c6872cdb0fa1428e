"""Binds against an SMSC that this repository did not write: the server of the package smpp34."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import smpp34

from bridge.model.inbound import Dr, Mo
from bridge.model.outcome import Accepted, Doubt, RetryLater
from bridge.smpp.consts import ESME_RMSGQFUL
from tests.links.lab import Recorder, binds, provider, running, send


class Smsc:
    """The server with a loop around its events. Accepts `message 7` with the id `id-7`, several at a time."""

    def __init__(self, server: smpp34.Server) -> None:
        self._server = server
        self.bound: asyncio.Queue[smpp34.Esme] = asyncio.Queue()
        self.unbound = asyncio.Event()
        self.submitted = asyncio.Event()
        self.refuse_with = 0
        self.silent = False
        self.submits: list[smpp34.SubmitSmEvent] = []

    async def serve(self) -> None:
        """Until cancelled."""
        while True:
            match await self._server.next():
                case smpp34.Esme() as esme:
                    await self.bound.put(esme)
                case smpp34.Unbound():
                    self.unbound.set()
                case smpp34.SubmitSmEvent() as submit:
                    self.submits.append(submit)
                    self.submitted.set()
                    if self.refuse_with:
                        submit.reject(self.refuse_with)
                    elif not self.silent:
                        submit.accept(f"id-{submit.short_message.split()[1].decode()}")


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Smsc]:
    """The SMSC at this port, while inside."""
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    smsc = Smsc(server)
    serving = asyncio.create_task(smsc.serve())
    try:
        yield smsc
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        await server.stop()


async def test_submits_receipts_and_messages(unused_tcp_port: int) -> None:
    recorder = Recorder()
    (link,) = binds(recorder, provider(f"127.0.0.1:{unused_tcp_port}"))
    async with listening(unused_tcp_port) as smsc, running(link):
        esme = await smsc.bound.get()
        await recorder.until(lambda: link.active)
        for ref in range(10):
            assert send(link, ref, f"message {ref} ñ")
        await recorder.until(lambda: len(recorder.ended) == 10)
        assert recorder.outcomes == {ref: Accepted(f"id-{ref}") for ref in range(10)}
        submit = next(submit for submit in smsc.submits if b" 3 " in submit.short_message)
        assert (submit.source_addr, submit.destination_addr) == ("12345", "447700900123")
        assert (submit.short_message, submit.registered_delivery) == (b"message 3 }", 1)

        receipt = (
            b"id:id-3 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000"
        )
        answer = await esme.deliver_sm("12345", receipt, source_addr="447700900123", esm_class=4)
        assert answer.is_success
        dr = recorder.inbound[0][0]
        assert isinstance(dr, Dr)
        assert (dr.ids, dr.state, dr.from_) == (("id-3",), "delivered", "447700900123")

        recorder.answer_with = False
        answer = await esme.deliver_sm("12345", b"hello", source_addr="447700900123")
        assert answer.command_status == 0x14
        mo = recorder.inbound[1][0]
        assert isinstance(mo, Mo)
        assert mo.text == "hello"

        smsc.refuse_with = ESME_RMSGQFUL
        send(link, "refused")
        await recorder.until(lambda: "refused" in recorder.outcomes)
        assert isinstance(recorder.outcomes["refused"], RetryLater)

        link.stop()
        async with asyncio.timeout(10):
            await smsc.unbound.wait()


class Cable:
    """Between the link and the SMSC, which cannot be made to hang up by itself: a port that can be cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._ends: list[asyncio.StreamWriter] = []

    async def plug(self, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", port)

    def cut(self) -> None:
        """No port, no connections."""
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._ends += [writer, there[1]]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(reader, there[1]))
            group.create_task(self._carry(there[0], writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.transport.abort()


async def test_cut_and_back(unused_tcp_port_factory: Callable[[], int]) -> None:
    recorder = Recorder()
    port, smsc_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    cable = Cable(smsc_port)
    (link,) = binds(recorder, provider(f"127.0.0.1:{port}"))
    async with listening(smsc_port) as smsc, running(link):
        await recorder.until(lambda: link.reason == "connection refused")
        await cable.plug(port)
        await recorder.until(lambda: link.active)
        smsc.silent = True
        send(link, 1)
        async with asyncio.timeout(10):
            await smsc.submitted.wait()
        cable.cut()
        await recorder.until(lambda: not link.bound)
        assert isinstance(recorder.outcomes[1], Doubt)
        smsc.silent = False
        await cable.plug(port)
        await recorder.until(lambda: link.active)
        send(link, 2)
        await recorder.until(lambda: 2 in recorder.outcomes)
        assert recorder.outcomes[2] == Accepted("id-2")
    cable.cut()


async def test_unbound_by_the_peer(unused_tcp_port: int) -> None:
    recorder = Recorder()
    (link,) = binds(recorder, provider(f"127.0.0.1:{unused_tcp_port}"))
    async with listening(unused_tcp_port) as smsc, running(link):
        esme = await smsc.bound.get()
        await recorder.until(lambda: link.active)
        await esme.unbind()
        await recorder.until(lambda: not link.bound)
        await smsc.bound.get()
        await recorder.until(lambda: link.active)
