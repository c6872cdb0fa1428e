"""The shell alone: what leaves when, and what is known of it when the link ends."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from bridge.links.node import Node, connect
from bridge.links.shell import SessionShell
from bridge.simulator.faults.answers import SilentOnSubmit
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import cold
from bridge.smpp import events as smpp
from bridge.smpp.consts import BIND_TRANSCEIVER, OUTBIND
from bridge.smpp.framing import build_pdu
from bridge.smpp.session import SessionSettings, SessionState

SETTINGS = SessionSettings(system_id="bridge", password="secret")
BODY = b"\0\1\x0112345\0\1\x01447700900123\0\0\0\0\0\0\0\0\0\0\5hello"


@pytest.fixture
async def smsc() -> AsyncIterator[SimulatedSmsc]:
    smsc = SimulatedSmsc()
    await smsc.start()
    yield smsc
    smsc.kill()
    smsc.network.close()


class Listener:
    """Gathers a shell's events."""

    def __init__(self) -> None:
        self.events: list[smpp.Event] = []
        self.bound = asyncio.Event()
        self.heard = asyncio.Event()

    def take(self, _shell: SessionShell, events: list[smpp.Event]) -> None:
        self.events += events
        if events:
            self.heard.set()
        if any(isinstance(event, smpp.Bound) for event in events):
            self.bound.set()


async def open_shell(smsc: SimulatedSmsc, listener: Listener) -> SessionShell:
    loop = asyncio.get_running_loop()
    shell = await connect(
        Node(host=smsc.host, port=smsc.port), lambda: SessionShell(SETTINGS, listener.take, loop)
    )
    await listener.bound.wait()
    return shell


async def test_what_a_turn_produced_leaves_in_one_write(smsc: SimulatedSmsc) -> None:
    listener = Listener()
    shell = await open_shell(smsc, listener)
    for ref in range(5):
        shell.submit(BODY, ref)
    assert smsc.network.submit_counts["received"] == 0
    await smsc.network.until(lambda: smsc.network.submit_counts["received"] > 0)
    assert smsc.network.submit_counts["received"] == 5
    shell.abort()
    await shell.gone


async def test_what_was_not_written_yet_is_told_apart(smsc: SimulatedSmsc) -> None:
    smsc.behave(SilentOnSubmit())
    listener = Listener()
    shell = await open_shell(smsc, listener)
    shell.submit(BODY, "written")
    await smsc.network.until(lambda: smsc.network.submit_counts["received"] == 1)
    shell.submit(BODY, "unwritten")
    shell.abort()
    lost = {event.ref: event.written for event in listener.events if isinstance(event, smpp.SubmitLost)}
    assert lost == {"written": True, "unwritten": False}
    assert isinstance(listener.events[-1], smpp.SessionClosed)
    await shell.gone
    assert smsc.network.submit_counts["received"] == 1


async def test_leaving_waits_for_the_answers_and_says_goodbye(smsc: SimulatedSmsc) -> None:
    listener = Listener()
    shell = await open_shell(smsc, listener)
    shell.submit(BODY, 1)
    shell.leave()
    assert shell.session.state is SessionState.DRAINING
    await shell.gone
    answered, closed = listener.events[1:]
    assert isinstance(answered, smpp.SubmitAnswered)
    assert closed == smpp.SessionClosed("unbound")


async def test_peer_that_unbinds_gets_its_answer(smsc: SimulatedSmsc) -> None:
    listener = Listener()
    shell = await open_shell(smsc, listener)
    await smsc.stop()  # returns when the unbind was answered, else after its patience
    await shell.gone
    assert listener.events[1:] == [smpp.PeerUnbound(), smpp.SessionClosed("peer unbound")]


async def test_a_peer_that_only_half_closes_and_reads_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.links.shell.LINGER_S", 0.1)
    bind_resp = cold.build_bind_resp(BIND_TRANSCEIVER, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or the kernel reads for it
        loop = asyncio.get_running_loop()
        listener = Listener()
        shell = await connect(
            Node(host="127.0.0.1", port=server.getsockname()[1]),
            lambda: SessionShell(SETTINGS, listener.take, loop),
        )
        peer, _ = await loop.sock_accept(server)
        with peer:
            await loop.sock_sendall(peer, bind_resp)
            await listener.bound.wait()
            shell.submit(BODY, "last words")
            questions = cold.build_enquire_link(7) * 1000 + build_pdu(OUTBIND, 0, 8)
            while shell.free:  # until our answers find no room any more
                listener.heard.clear()
                await loop.sock_sendall(peer, questions)
                await listener.heard.wait()
            peer.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(20):
                await shell.gone
    assert isinstance(listener.events[-1], smpp.SessionClosed)
