"""SMSCs that read nothing, never stop, or make no sense: their bind ends or goes on, and costs only so much."""

import asyncio
from collections import Counter
from functools import partial
from random import Random

import pytest
import structlog
from structlog.testing import capture_logs

from bridge.links import shell, sparingly
from bridge.links.bind import Bind
from bridge.links.plan import MAX_UNANSWERED
from bridge.smpp import session
from bridge.smpp.consts import DELIVER_SM_RESP, ENQUIRE_LINK, ESME_RMSGQFUL, ESME_ROK, SUBMIT_SM_RESP
from bridge.smpp.framing import build_pdu
from tests.hostile.smscs import deliver, for_ever, frames, smsc
from tests.links.lab import Recorder, binds, provider, running

NO_SUCH_COMMAND = 0x00000BAD


def bind_to(node: str, recorder: Recorder, **smpp: object) -> Bind:
    """The one bind to it. It does not come back before the test is over."""
    (link,) = binds(recorder, provider(node, rebind_seconds=60, **smpp))
    return link


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\xff\xff\xff\xff" + bytes(12), "broken stream: command_length 4294967295"),
        (b"\x00\x01\x11\x71" + bytes(12), "broken stream: command_length 70001"),
        (b"\x00\x00\x00\x0f" + bytes(12), "broken stream: command_length 15"),
        (b"GET / HTTP/1.1\r\n\r\n" * 10_000, "broken stream: command_length 1195725856"),
        (Random(3).randbytes(1_000_000), "broken stream: "),
    ],
)
async def test_what_is_no_smpp_ends_the_session_at_its_first_octets(
    monkeypatch: pytest.MonkeyPatch, octets: bytes, reason: str
) -> None:
    monkeypatch.setattr(shell, "LINGER_S", 0.05)
    recorder = Recorder()
    async with smsc(partial(for_ever, octets=octets)) as node:
        link = bind_to(node, recorder)
        async with running(link):
            await recorder.until(lambda: link.counters.binds == 1 and not link.bound)
            assert link.reason.startswith(reason)


async def test_a_pdu_that_never_ends_is_no_sign_of_life() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((70_000).to_bytes(4, "big"))
        while True:
            writer.write(b"\0")
            await asyncio.sleep(0.01)

    recorder = Recorder()
    async with smsc(drip) as node:
        link = bind_to(node, recorder, enquire_link_seconds=0.05, response_timeout_seconds=0.05)
        async with running(link):
            await recorder.until(lambda: link.counters.binds == 1 and not link.bound)
            assert link.reason == "peer answers no enquire_link"


@pytest.mark.parametrize(
    "octets", [build_pdu(ENQUIRE_LINK, 0, 1), build_pdu(NO_SUCH_COMMAND, 0, 1), deliver(1)]
)
async def test_who_asks_without_end_and_reads_no_answer_is_left(
    monkeypatch: pytest.MonkeyPatch, octets: bytes
) -> None:
    """Before what is owed to it has no end either."""
    monkeypatch.setattr(session, "_MOST_UNREAD", 5_000)
    recorder = Recorder()
    async with smsc(partial(for_ever, octets=octets * 1_000)) as node:
        link = bind_to(node, recorder)
        async with running(link):
            await recorder.until(lambda: link.counters.binds == 1 and not link.bound)
            assert link.reason == "peer reads no answers"


async def test_thousands_at_once_are_each_answered_once_and_most_for_now() -> None:
    number = 20_000
    answers: Counter[int] = Counter()
    answered: set[int] = set()
    everything = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(deliver(each) for each in range(1, number + 1)))
        async for frame in frames(reader):
            if frame.command_id == DELIVER_SM_RESP:
                answered.add(frame.sequence_number)
                answers[frame.command_status] += 1
                if answers.total() == number - MAX_UNANSWERED:
                    for _, answer in recorder.inbound:
                        answer(True)
                if answers.total() == number:
                    everything.set()

    recorder = Recorder(answer_with=None)
    async with smsc(flood) as node, running(bind_to(node, recorder)), asyncio.timeout(60):
        await everything.wait()
    assert len(recorder.inbound) == MAX_UNANSWERED, "only so many are in hand"
    assert answers == {ESME_ROK: MAX_UNANSWERED, ESME_RMSGQFUL: number - MAX_UNANSWERED}
    assert len(answered) == number


async def test_a_flood_of_nonsense_fills_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    nonsense = build_pdu(SUBMIT_SM_RESP, 0, 99, b"x\0") + build_pdu(NO_SUCH_COMMAND, 0, 1)
    monkeypatch.setattr(sparingly, "LINE_EVERY_S", 3600.0)
    recorder = Recorder()

    async def say(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(nonsense * 10_000 + deliver(1))
        await writer.drain()

    with capture_logs() as logged:
        async with smsc(say) as node:
            link = bind_to(node, recorder)
            async with running(link):
                await recorder.until(lambda: bool(recorder.inbound))
    assert (link.counters.strange_answers, link.counters.bad_pdus) == (10_000, 10_000)
    lines = Counter(line["event"] for line in logged)
    assert (lines["link.strange_answer"], lines["link.bad_pdu"]) == (1, 1)


def test_what_was_not_told_is_counted_in_the_next_line() -> None:
    with capture_logs() as logged:
        log = sparingly.Sparingly(structlog.get_logger())
        for now in (0.0, 0.1, 0.9, 1.0, 1.5, 5.0):
            log.warning(now, "a", n=now)
        log.warning(5.0, "b")
    assert [(line["event"], line["times"]) for line in logged] == [("a", 1), ("a", 3), ("a", 2), ("b", 1)]
