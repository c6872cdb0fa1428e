"""Binds against the simulated SMSC, good and bad, on real sockets: submits, receipts, messages, refusals."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from structlog.testing import capture_logs

import bridge.links.plan
import bridge.links.trust
from bridge.model.inbound import Dr, Mo
from bridge.model.outcome import Accepted, Doubt, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.simulator.behaviour import Behaviour
from bridge.simulator.faults import answers, links
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from bridge.smpp.cold import build_bind_resp
from tests.links.lab import Recorder, binds, provider, running, send


@pytest.fixture
async def smsc() -> AsyncIterator[SimulatedSmsc]:
    smsc = SimulatedSmsc(network=Network(deliver_again_s=0.01, receipt_delay_s=0.0))
    await smsc.start()
    yield smsc
    smsc.kill()
    smsc.network.close()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


async def test_bind_submit_answer_receipt(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    (link,) = binds(recorder, provider(smsc.node))
    assert (link.bound, link.active, link.free, link.reason) == (False, False, 0, "not tried yet")
    assert not send(link, "too early")
    async with running(link):
        await recorder.until(lambda: link.active)
        assert (link.free, link.in_flight, link.reason) == (10, 0, "")
        assert send(link, "first")
        assert (link.free, link.in_flight) == (9, 1)
        await recorder.until(lambda: len(recorder.inbound) == 1)
        outcome = recorder.outcomes["first"]
        assert isinstance(outcome, Accepted)
        receipt = recorder.inbound[0][0]
        assert isinstance(receipt, Dr)
        assert (receipt.ids, receipt.state) == ((outcome.smsc_id,), "delivered")
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 1)
    assert (link.counters.submitted, link.counters.outcomes["Accepted"], link.counters.binds) == (1, 1, 1)
    assert (link.bound, link.active, link.free) == (False, False, 0)


async def test_a_message_from_a_phone_is_answered_as_told(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    recorder.answer_with = False
    (link,) = binds(recorder, provider(smsc.node, busy_status=consts.ESME_RX_T_APPN))
    async with running(link):
        await recorder.until(lambda: link.bound)
        smsc.network.send_mo("hello ñ")
        await smsc.network.until(lambda: smsc.network.outbox.counts.put_off > 0)
        assert smsc.network.deliveries[0].status == consts.ESME_RX_T_APPN
        recorder.answer_with = True
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 1)
        mo, answer = recorder.inbound[-1]
        assert isinstance(mo, Mo)
        assert (mo.text, mo.from_, mo.to) == ("hello ñ", "447700900123", "12345")
        answer(False)  # a second answer says nothing
        await asyncio.sleep(0)
    answer(True)  # nor one after the bind is gone
    assert link.counters.put_off == smsc.network.outbox.counts.put_off
    assert smsc.network.outbox.counts.open == 0


@pytest.mark.parametrize("meddling", [[], [links.SplitWrites()], [links.MergeWrites(0.02)]])
async def test_many_through_a_small_window_each_ends_once(
    smsc: SimulatedSmsc, recorder: Recorder, meddling: list[Behaviour]
) -> None:
    """A slot that comes free is told, so that nobody has to ask; the window is never overdrawn."""
    smsc.behave(*meddling)
    (link,) = binds(recorder, provider(smsc.node, window=7))
    waiting = list(range(300))
    deepest = 0
    async with running(link):
        await recorder.until(lambda: link.active)
        while waiting:
            while waiting and send(link, waiting[-1]):
                waiting.pop()
                deepest = max(deepest, link.in_flight)
            assert link.free == 0 or not waiting
            told = len(recorder.changes)
            if waiting:
                await recorder.until(lambda: len(recorder.changes) > told)  # noqa: B023
        await recorder.until(lambda: len(recorder.ended) == 300 and len(recorder.inbound) == 300)
    assert deepest == 7
    ids = {outcome.smsc_id for outcome in recorder.outcomes.values() if isinstance(outcome, Accepted)}
    assert len(ids) == 300
    assert {inbound.ids[0] for inbound, _ in recorder.inbound if isinstance(inbound, Dr)} == ids


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (consts.ESME_RINVDSTADR, Rejected),
        (consts.ESME_RTHROTTLED, Throttled),
        (consts.ESME_RMSGQFUL, RetryLater),
    ],
)
async def test_refusals_of_the_message_leave_the_link_alone(
    smsc: SimulatedSmsc, recorder: Recorder, status: int, kind: type[Outcome]
) -> None:
    smsc.behave(answers.Reject(every=1, status=status))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
        assert isinstance(recorder.outcomes[1], kind)
        assert (link.active, link.free, recorder.alarms) == (True, 10, [])


async def test_a_status_means_what_the_provider_says(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(answers.Reject(every=1, status=0x45))
    (link,) = binds(recorder, provider(smsc.node, status={0x45: "permanent"}))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
        assert recorder.outcomes[1] == Rejected(0x45, consts.describe_status(0x45))


async def test_account_refused_stops_the_sending_and_alarms_once(
    smsc: SimulatedSmsc, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.links.trust, "STOP_FIRST_S", 0.05)
    smsc.behave(answers.Reject(every=1, status=consts.ESME_RINVSYSID))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        send(link, 2)
        await recorder.until(lambda: len(recorder.ended) == 2)
        reason = consts.describe_status(consts.ESME_RINVSYSID)
        assert recorder.outcomes == dict.fromkeys((1, 2), NotSent(reason, consts.ESME_RINVSYSID))
        assert recorder.alarms == [f"account stopped: {reason}"]
        assert (link.bound, link.active, link.free) == (True, False, 0)
        assert link.reason == "account stopped"
        smsc.network.send_mo("still here")
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 1)
        smsc.behave()
        await recorder.until(lambda: link.active)
        assert link.free == 1  # one message tries whether it works again
        send(link, 3)
        await recorder.until(lambda: 3 in recorder.outcomes)
        assert link.free == 10


async def test_bind_status_twice_in_a_row_renews_the_bind(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    """Once may be the message's own fault: it must not take down one bind after the other."""
    smsc.behave(answers.Reject(every=2, status=consts.ESME_RINVCMDLEN))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        for ref in range(6):
            send(link, ref)
        await recorder.until(lambda: len(recorder.ended) == 6)
        assert sum(isinstance(outcome, NotSent) for outcome in recorder.outcomes.values()) == 3
        assert link.active
        smsc.behave(answers.Slow(0.01), answers.Reject(every=1, status=consts.ESME_RINVBNDSTS))
        send(link, 6)
        send(link, 7)
        send(link, 8)
        await recorder.until(lambda: not link.bound)
        reason = consts.describe_status(consts.ESME_RINVBNDSTS)
        # What was in flight was waited for: none is in doubt.
        assert [recorder.outcomes[ref] for ref in (6, 7, 8)] == [NotSent(reason, consts.ESME_RINVBNDSTS)] * 3
        await recorder.until(lambda: link.active)
        assert link.counters.binds == 2


async def test_cut_after_the_write_is_doubt_and_the_bind_comes_back(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.behave(links.Drop(after=2, times=1))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        for ref in range(3):
            send(link, ref)
        await recorder.until(lambda: len(recorder.ended) == 3)
        assert isinstance(recorder.outcomes[0], Accepted)
        assert [recorder.outcomes[ref] for ref in (1, 2)] == [Doubt("connection lost")] * 2
        assert link.reason == "connection lost"
        await recorder.until(lambda: link.active)
        assert send(link, 4)
        await recorder.until(lambda: 4 in recorder.outcomes)
        assert isinstance(recorder.outcomes[4], Accepted)


async def test_submit_in_the_very_read_that_ends_the_session_is_surely_not_sent(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    """The peer answers and unbinds in one write: a submit made upon the answer is refused, not lost."""
    smsc.behave(links.Unbind(after=1))
    (link,) = binds(recorder, provider(smsc.node))
    taken: list[bool] = []
    recorder.on_end = lambda _ref: taken.append(send(link, 2))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: not link.bound)
    assert taken == [False]
    assert isinstance(recorder.outcomes[1], Accepted)
    assert smsc.network.submit_counts["received"] == 1


async def test_no_answers_stall_the_link_and_the_next_session_is_on_probation(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.behave(answers.SilentOnSubmit())
    (link,) = binds(recorder, provider(smsc.node, response_timeout_seconds=0.1))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
        assert recorder.outcomes[1] == Doubt("response timeout")
        assert (link.bound, link.active, link.free) == (True, False, 0)
        await recorder.until(lambda: not link.bound)
        assert link.reason == "peer answers no submit_sm"
        smsc.behave()
        await recorder.until(lambda: link.active)
        assert link.free == 1
        assert send(link, 2)
        assert link.free == 0
        assert not send(link, 3)
        await recorder.until(lambda: 2 in recorder.outcomes)
        assert link.free == 10


async def test_a_late_answer_is_told_and_ends_the_stall(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(answers.Slow(0.15))
    (link,) = binds(recorder, provider(smsc.node, response_timeout_seconds=0.1))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: 1 in recorder.outcomes)
        assert (link.active, link.reason) == (False, "peer answers no submit_sm")
        await recorder.until(lambda: bool(recorder.late))
        ref, outcome = recorder.late[0]
        assert ref == 1
        assert isinstance(outcome, Accepted)
        assert (link.bound, link.active, link.free) == (True, True, 10)
    assert recorder.ended == [(1, Doubt("response timeout"))]


async def test_bad_pdus_do_not_end_the_link_but_a_broken_stream_does(
    smsc: SimulatedSmsc, recorder: Recorder
) -> None:
    smsc.behave(links.Garbage(after=1, kind="deliver"), links.Garbage(after=2, kind="http"))
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.active)
        send(link, 1)
        await recorder.until(lambda: link.counters.bad_pdus == 1)
        assert link.active
        send(link, 2)
        await recorder.until(lambda: not link.bound)
        assert link.reason.startswith("broken stream: ")
        await recorder.until(lambda: link.active)
    assert all(isinstance(outcome, Accepted) for outcome in recorder.outcomes.values())


async def test_silence_on_enquire_link_ends_the_session(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    smsc.behave(links.SilentOnEnquire())
    settings = provider(smsc.node, enquire_link_seconds=0.05, response_timeout_seconds=0.05)
    (link,) = binds(recorder, settings)
    async with running(link):
        await recorder.until(lambda: link.active)
        await recorder.until(lambda: not link.bound)
        assert link.reason == "peer answers no enquire_link"


async def test_too_many_unanswered_are_told_to_come_again(
    smsc: SimulatedSmsc, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.links.plan, "MAX_UNANSWERED", 3)
    recorder.answer_with = None
    (link,) = binds(recorder, provider(smsc.node))
    async with running(link):
        await recorder.until(lambda: link.bound)
        for _ in range(5):
            smsc.network.send_mo()
        await smsc.network.until(lambda: smsc.network.outbox.counts.put_off >= 2)
        assert len(recorder.inbound) == 3
        for _, answer in recorder.inbound:
            answer(True)
        recorder.answer_with = True
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 5)


async def test_a_fault_above_swallows_no_other_event(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    def fail(ref: object) -> None:
        if ref == 0:
            raise RuntimeError("a fault above")

    smsc.behave(links.MergeWrites(0.02))
    recorder.on_end = fail
    (link,) = binds(recorder, provider(smsc.node))
    with capture_logs() as logged:
        async with running(link):
            await recorder.until(lambda: link.active)
            for ref in range(3):
                send(link, ref)
            await recorder.until(lambda: len(recorder.ended) == 3)
            assert link.active
    assert [line["kind"] for line in logged if line["event"] == "link.event_failed"] == ["SubmitAnswered"]


async def test_transmitter_and_receiver_are_two_links(smsc: SimulatedSmsc, recorder: Recorder) -> None:
    tx, rx = binds(recorder, provider(smsc.node, bind="transmitter+receiver"))
    assert (tx.name, rx.name) == (f"{smsc.node}/tx", f"{smsc.node}/rx")
    assert (tx.transmits, rx.transmits) == (True, False)
    async with running(tx, rx):
        await recorder.until(lambda: tx.active and rx.active)
        assert (tx.free, rx.free) == (10, 0)
        assert not send(rx, "wrong way")
        assert send(tx, 1)
        await recorder.until(lambda: len(recorder.inbound) == 1)
        assert (tx.counters.received, rx.counters.received) == (0, 1)


class Wall(asyncio.Protocol):
    """An SMSC that accepts the bind and then reads no more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """The bind."""
        number = int.from_bytes(data[12:16], "big")
        self.transport.write(
            build_bind_resp(
                consts.BIND_TRANSCEIVER, number, consts.ESME_ROK, "wall", consts.INTERFACE_VERSION
            )
        )
        self.transport.pause_reading()


async def test_a_peer_that_does_not_read_leaves_no_slot_free(recorder: Recorder) -> None:
    """Whatever the kernel does not take holds up the link, and does not fill the memory."""
    wall = Wall()
    server = await asyncio.get_running_loop().create_server(lambda: wall, "127.0.0.1", 0)
    (link,) = binds(recorder, provider(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", window=1000))
    async with running(link):
        await recorder.until(lambda: link.active)
        sent = 0
        while link.free:
            sent += link.submit(bytes(60_000), sent)
            await asyncio.sleep(0)
        assert link.in_flight < 1000
        assert not send(link, "no")
        assert link.active
        wall.transport.abort()
        await recorder.until(lambda: len(recorder.ended) == sent)
        assert set(recorder.outcomes.values()) == {Doubt("connection lost")}
    server.close()
