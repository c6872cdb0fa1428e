"""Nodes that are away, refuse, or come back; and leaving: the loop around a bind's sessions."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

import bridge.links.node
from bridge.links.binder import JITTER, next_attempt_at
from bridge.model.outcome import Accepted, Doubt
from bridge.simulator.faults import answers, links
from bridge.simulator.network import Network
from bridge.simulator.session import SmscSession
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from tests.links.lab import Recorder, binds, provider, running, send


@pytest.fixture
async def smsc() -> AsyncIterator[SimulatedSmsc]:
    smsc = SimulatedSmsc(network=Network(receipt_delay_s=0.0))
    await smsc.start()
    yield smsc
    smsc.kill()
    smsc.network.close()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def full_backlog() -> Iterator[str]:
    """A port where connections are neither taken nor refused, as behind a firewall that drops."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for filler in fillers:
            filler.close()


def test_attempts_are_an_interval_apart_from_start_to_start() -> None:
    assert next_attempt_at(100.0, 110.0, 31.0, sent_away=False) == 131.0
    assert next_attempt_at(100.0, 500.0, 31.0, sent_away=False) == 131.0
    assert next_attempt_at(100.0, 500.0, 31.0, sent_away=True) == 531.0


async def test_the_wait_is_longer_than_configured_and_ends_at_once_when_told_to_stop(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.kill()
    (link,) = binds(recorder, provider(smsc.node, rebind_seconds=31))
    with capture_logs() as logged:
        run = asyncio.create_task(link.run())
        await recorder.until(lambda: link.tried)
        assert link.reason == "connection refused"
        await asyncio.sleep(0)
        link.stop()
        link.stop()
        await run
    (retry,) = [line for line in logged if line["event"] == "bind.retry"]
    assert 30 < retry["in_seconds"] <= 31 * (1 + JITTER)


async def test_a_node_that_is_killed_comes_back_as_the_same_link(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.behave(answers.SilentOnSubmit(every=2))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        for number in (0, 2, 4):
            await recorder.until(lambda: link.active)
            send(link, number)
            send(link, number + 1)
            await recorder.until(lambda: number in recorder.outcomes)  # noqa: B023
            smsc.kill()
            await recorder.until(lambda: not link.bound)
            assert not send(link, "away")
            await recorder.until(lambda: link.reason == "connection refused")
            await smsc.start()
    assert list(recorder.outcomes) == [0, 1, 2, 3, 4, 5]
    for ref, outcome in recorder.outcomes.items():
        assert isinstance(outcome, Doubt if ref in (1, 3, 5) else Accepted)


async def test_black_holes_delay_nobody(smsc: SimulatedSmsc, recorder: Recorder, full_backlog: str) -> None:
    """Neither one that swallows connections nor one that takes them and never speaks."""
    mute = SimulatedSmsc(behaviours=[links.BlackHole()])
    await mute.start()
    first, second, third = binds(recorder, provider(full_backlog, mute.node, smsc.node))
    async with running(first, second, third):
        await recorder.until(lambda: third.active)
        assert [link.tried for link in (first, second, third)] == [False, False, True]
        send(third, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
    mute.kill()


async def test_connecting_has_a_limit(
    recorder: Recorder, full_backlog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.links.node, "CONNECT_TIMEOUT_S", 0.05)
    (link,) = binds(recorder, provider(full_backlog))
    async with running(link):
        await recorder.until(lambda: link.tried)
        assert link.reason == "no connection within 0.05 s"


async def test_stop_interrupts_an_attempt(recorder: Recorder, full_backlog: str) -> None:
    (link,) = binds(recorder, provider(full_backlog))
    run = asyncio.create_task(link.run())
    await asyncio.sleep(0)
    link.stop()
    await run
    assert not link.bound


class Mute(links.BlackHole):
    """A black hole that tells when somebody fell in."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    def on_connect(self, session: SmscSession) -> None:
        """It did."""
        super().on_connect(session)
        self.connected.set()


async def test_stop_while_the_bind_waits_for_its_answer(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    mute = Mute()
    smsc.behave(mute)
    (link,) = binds(recorder, provider(smsc.node))
    run = asyncio.create_task(link.run())
    await mute.connected.wait()
    link.stop()
    await run
    assert link.reason == "unbound before it was bound"


async def test_a_name_that_does_not_exist(recorder: Recorder) -> None:
    (unknown,) = binds(recorder, provider("smsc.invalid:2775"))
    async with running(unknown):
        await recorder.until(lambda: unknown.tried)
    assert unknown.reason.startswith("name not resolved")


async def test_credentials_refused_alarm_once_until_they_change(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.behave(links.RefuseBind(consts.ESME_RINVPASWD, times=3))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: bool(recorder.alarms))
        await recorder.until(lambda: link.tried)
        password = f"bind refused: {consts.describe_status(consts.ESME_RINVPASWD)}"
        assert link.reason == password
        await recorder.until(lambda: link.active)
        assert link.counters.failed_attempts == 3
        assert recorder.alarms == [password]
        smsc.behave(links.RefuseBind(consts.ESME_RBINDFAIL, times=2))
        await smsc.stop()
        await smsc.start()
        await recorder.until(lambda: not link.bound)
        await recorder.until(lambda: link.active)
        assert recorder.alarms[1:] == [f"bind refused: {consts.describe_status(consts.ESME_RBINDFAIL)}"]
        assert link.reason == ""


async def test_a_refusal_that_will_pass_is_no_alarm(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(links.RefuseBind(consts.ESME_RSYSERR, times=2))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
    assert recorder.alarms == []
    assert link.counters.failed_attempts == 2


async def test_unbound_by_the_peer(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(links.Unbind(after=1, times=1))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: not link.bound)
        assert link.reason == "peer unbound"
        await recorder.until(lambda: link.active)
    assert isinstance(recorder.outcomes[1], Accepted)


async def test_a_soft_stop_waits_for_what_is_in_flight(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(answers.Slow(0.05))
    (link,) = binds(recorder, provider(smsc.node))
    run = asyncio.create_task(link.run())
    await recorder.until(lambda: link.active)
    send(link, 1)
    link.stop()
    assert (link.active, link.free) == (False, 0)
    assert not send(link, 2)
    await run
    assert isinstance(recorder.outcomes[1], Accepted)
    assert link.reason == "unbound"


async def test_told_again_it_leaves_at_once(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(answers.SilentOnSubmit())
    (link,) = binds(recorder, provider(smsc.node))
    run = asyncio.create_task(link.run())
    await recorder.until(lambda: link.active)
    send(link, 1)
    link.stop()
    link.stop()
    await run
    assert recorder.outcomes == {1: Doubt("unbound")}


async def test_cancelled_it_reports_what_is_open(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(answers.SilentOnSubmit(every=2))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 0)
        send(link, 1)
        await recorder.until(lambda: 0 in recorder.outcomes)  # so both are written
    assert recorder.outcomes[1] == Doubt("connection lost")
    assert not link.bound
