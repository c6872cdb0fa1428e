"""Each misbehaviour misbehaves as its docstring says, alone and in company."""

import asyncio

import pytest

from bridge.model.inbound import Concat
from bridge.simulator.faults import answers, links, receipts, segments
from bridge.simulator.smsc import SimulatedSmsc
from bridge.smpp import consts
from bridge.smpp.codec import decode_submit_sm
from bridge.smpp.framing import HEADER_OCTETS
from tests.simulator.esme import Esme, bound, connect, listening, quick_network

RESP = consts.SUBMIT_SM_RESP
DELIVER = consts.DELIVER_SM


async def statuses(esme: Esme, count: int) -> list[int]:
    """The statuses of so many submits, one after another."""
    return [(await esme.submitted(receipt=0))[0] for _ in range(count)]


async def echo(esme: Esme) -> None:
    """Returns when all that the SMSC had to say before now has come."""
    await esme.response(esme.send(consts.ENQUIRE_LINK))


async def passed(smsc: SimulatedSmsc, delay_s: float) -> None:
    """Returns when all that the SMSC had put off until now, for so long, has been done."""
    done = asyncio.Event()
    smsc.network.agenda.after(delay_s, done.set)
    await done.wait()


# -- answers ----------------------------------------------------------------------------------------------------


async def test_slow_takes_at_once_and_answers_later() -> None:
    async with listening(answers.Slow(0.02)) as (smsc,):
        esme = await bound(smsc)
        number = esme.submit(receipt=0)
        await echo(esme)
        (submit,) = smsc.network.messages
        assert (submit.taken, submit.status, RESP in esme.commands) == (True, None, False)
        assert (await esme.response(number)).command_status == 0
        assert submit.status == 0


async def test_late_answers_every_nth_late_and_nobody_who_is_gone() -> None:
    async with listening(answers.Late(seconds=0.05, every=2)) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 1) == [0]
        late = esme.submit()
        overtaking = esme.submit()
        await esme.response(late)
        assert [f.sequence_number for f in esme.frames if f.command_id == RESP][1:] == [overtaking, late]
        esme.submit()
        await smsc.network.until(lambda: len(smsc.network.messages) == 4)
        esme.transport.abort()
        well = await bound(smsc)
        await well.until(lambda: len(well.delivered) == 1)
        await passed(smsc, 0.05)
        assert smsc.network.messages[3].status is None


@pytest.mark.parametrize("taken", [True, False])
async def test_silent_on_submit(taken: bool) -> None:
    async with listening(answers.SilentOnSubmit(every=2, taken=taken)) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted(receipt=0)
        esme.submit()
        await esme.submitted(receipt=0)
        await smsc.network.until(lambda: smsc.network.outbox.counts.open == 0)
        assert esme.commands.count(RESP) == 2
        assert [(s.taken, s.status) for s in smsc.network.submits] == [(True, 0), (taken, None), (True, 0)]
        assert len(esme.delivered) == taken


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (answers.Throttle(every=3), consts.ESME_RTHROTTLED),
        (answers.QueueFull(every=3), consts.ESME_RMSGQFUL),
        (answers.Reject(every=3), consts.ESME_RINVDSTADR),
        (answers.Reject(every=3, status=0x400), 0x400),
    ],
)
async def test_every_nth_is_refused_and_not_taken(fault: answers.Reject, status: int) -> None:
    async with listening(fault) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 6) == [0, 0, status, 0, 0, status]
        assert [submit.taken for submit in smsc.network.submits] == [True, True, False] * 2
        assert len(smsc.network.messages) == 4
        assert smsc.network.stats()["submits"] == {"received": 6, "taken": 4, "refused": 2, "unanswered": 0}


# -- segments ---------------------------------------------------------------------------------------------------


async def answers_to_segments(esme: Esme, *numbers: int) -> list[int]:
    """The statuses of these segments of a message of three, one after another."""
    return [
        (await esme.submitted(receipt=0, segment=Concat(ref=1, total=3, seq=number)))[0] for number in numbers
    ]


async def test_only_the_nth_segment_is_refused() -> None:
    async with listening(segments.SegmentRefused(n=2, status=consts.ESME_RTHROTTLED, times=2)) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 2) == [0, 0]
        assert await answers_to_segments(esme, 1, 2, 3) == [0, consts.ESME_RTHROTTLED, 0]
        assert await answers_to_segments(esme, 2, 2) == [consts.ESME_RTHROTTLED, 0]
        assert [submit.taken for submit in smsc.network.submits[2:]] == [True, False, True, False, True]


@pytest.mark.parametrize("taken", [True, False])
async def test_only_the_nth_segment_is_never_answered(taken: bool) -> None:
    async with listening(segments.SegmentSilent(n=3, taken=taken)) as (smsc,):
        esme = await bound(smsc)
        esme.submit(receipt=0, segment=Concat(ref=1, total=3, seq=3))
        assert await answers_to_segments(esme, 1, 2) == [0, 0]
        await echo(esme)
        assert [(s.taken, s.status) for s in smsc.network.submits] == [(taken, None), (True, 0), (True, 0)]


# -- links ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
async def test_drop_cuts_instead_of_answering_the_nth(taken: bool) -> None:
    async with listening(links.Drop(after=3, times=1, taken=taken)) as (smsc,):
        esme = await bound(smsc)
        for _ in range(5):
            esme.submit(receipt=0)
        await esme.until(lambda: esme.closed)
        assert esme.commands.count(RESP) == 2
        submits = smsc.network.submits
        assert [(s.taken, s.status) for s in submits] == [(True, 0), (True, 0), (taken, None)]
        again = await bound(smsc)
        assert await statuses(again, 4) == [0, 0, 0, 0]


async def test_drop_drops_every_bind_unless_told_how_often() -> None:
    async with listening(links.Drop(after=1)) as (smsc,):
        for _ in range(3):
            esme = await bound(smsc)
            esme.submit()
            await esme.until(lambda esme=esme: esme.closed)  # type: ignore[misc]
            assert RESP not in esme.commands


async def test_unbind_after_the_nth_answer() -> None:
    async with listening(links.Unbind(after=2)) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 2) == [0, 0]
        await esme.until(lambda: esme.closed)
        assert esme.commands[-2:] == [RESP, consts.UNBIND]


@pytest.mark.parametrize(("kind", "stream_lost"), [("http", True), ("random", True), ("long", True)])
async def test_garbage_that_loses_the_stream(kind: str, *, stream_lost: bool) -> None:
    async with listening(links.Garbage(after=2, kind=kind)) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 1) == [0]
        esme.submit(receipt=0)
        await esme.until(lambda: bool(esme.broken) == stream_lost)
        assert esme.commands.count(RESP) == 2


@pytest.mark.parametrize(("kind", "command_id"), [("command", 0x0A0A), ("deliver", DELIVER)])
async def test_garbage_that_is_a_pdu(kind: str, command_id: int) -> None:
    async with listening(links.Garbage(after=1, kind=kind)) as (smsc,):
        esme = await bound(smsc)
        esme.answer = None
        assert await statuses(esme, 2) == [0, 0]
        assert esme.commands[-2] == command_id
        if command_id == DELIVER:
            with pytest.raises(ValueError, match="end inside"):
                decode_submit_sm(esme.frames[-2].body)


async def test_silent_on_enquire() -> None:
    async with listening(links.SilentOnEnquire()) as (smsc,):
        esme = await bound(smsc)
        esme.send(consts.ENQUIRE_LINK)
        assert await statuses(esme, 1) == [0]
        assert consts.ENQUIRE_LINK_RESP not in esme.commands


async def test_refuse_bind() -> None:
    async with listening(links.RefuseBind(status=consts.ESME_RSYSERR, times=2)) as (smsc,):
        for _ in range(2):
            esme = await connect(smsc)
            assert await esme.bind() == consts.ESME_RSYSERR
            await esme.until(lambda esme=esme: esme.closed)  # type: ignore[misc]
        await bound(smsc)


async def test_black_hole_accepts_and_says_nothing() -> None:
    async with listening(links.BlackHole()) as (smsc,):
        esme = await connect(smsc)
        esme.send(consts.ENQUIRE_LINK)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(esme.until(lambda: bool(esme.reads) or esme.closed), 0.05)


async def test_split_writes_come_in_tatters_and_whole() -> None:
    async with listening(links.SplitWrites(), answers.Throttle(every=2)) as (smsc,):
        esme = await bound(smsc)
        assert await statuses(esme, 4) == [0, consts.ESME_RTHROTTLED] * 2
        assert len(esme.reads) > len(esme.frames)
        assert min(len(read) for read in esme.reads) < HEADER_OCTETS


async def test_merged_writes_come_as_one_read() -> None:
    async with listening(links.MergeWrites(0.02)) as (smsc,):
        esme = await bound(smsc)
        esme.reads.clear()
        for _ in range(5):
            esme.submit()
            await asyncio.sleep(0)
        await esme.until(lambda: esme.commands.count(RESP) == 5 and len(esme.delivered) == 5)
        assert len(esme.reads) < 5


async def test_what_is_held_back_is_not_overtaken_when_the_behaviours_change() -> None:
    async with listening(links.SplitWrites()) as (smsc,):
        esme = await bound(smsc)
        numbers = [esme.submit(receipt=0) for _ in range(20)]
        await smsc.network.until(lambda: len(smsc.network.messages) == 20)
        smsc.behave()
        numbers.append(esme.submit(receipt=0))
        await esme.response(numbers[-1])
        assert [f.sequence_number for f in esme.frames if f.command_id == RESP] == numbers
        esme.reads.clear()
        await esme.submitted(receipt=0)
        assert len(esme.reads) == 1, "and then they have changed"


async def test_held_and_chopped_octets_of_a_dead_link_are_nobodys_trouble() -> None:
    async with listening(links.MergeWrites(0.01), links.SplitWrites()) as (smsc,):
        esme = await bound(smsc)
        esme.submit(receipt=0)
        await smsc.network.until(lambda: len(smsc.network.messages) == 1)
        smsc.kill()
        await esme.until(lambda: esme.closed)
        await passed(smsc, 0.01)


# -- receipts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "comes_to"), [("bind", {1, 2, 3}), ("node", {2, 3}), ("site", {3})])
async def test_receipts_elsewhere(to: str, comes_to: set[int]) -> None:
    async with listening(receipts.ReceiptsElsewhere(to), sites=("dc3", "dc3", "bos")) as nodes:
        first, second, other = nodes
        esmes = [await bound(smsc) for smsc in (first, first, second, other)]
        for _ in range(6):
            await esmes[0].submitted()
        await first.network.until(lambda: first.network.outbox.counts.ok == 6)
        assert {position for position, esme in enumerate(esmes) if esme.delivered} == comes_to


async def test_receipts_elsewhere_come_here_where_there_is_no_elsewhere() -> None:
    async with listening(receipts.ReceiptsElsewhere("site")) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted()
        await esme.until(lambda: len(esme.delivered) == 1)


async def test_without_faults_the_receipt_comes_by_the_bind_of_its_message() -> None:
    async with listening(sites=("dc3", "bos")) as nodes:
        esmes = [await bound(nodes[0]), await bound(nodes[0]), await bound(nodes[1])]
        for _ in range(5):
            await esmes[1].submitted()
        await nodes[0].network.until(lambda: nodes[0].network.outbox.counts.ok == 5)
        assert [len(esme.delivered) for esme in esmes] == [0, 5, 0]


@pytest.mark.parametrize("seconds", [0.0, 0.02])
async def test_receipts_first(seconds: float) -> None:
    async with listening(receipts.ReceiptsFirst(seconds), network=quick_network(0.05)) as (smsc,):
        esme = await bound(smsc)
        status, message_id = await esme.submitted()
        assert (status, esme.commands[1:]) == (0, [DELIVER, RESP])
        assert f"id:{message_id} ".encode() in esme.delivered[0].short_message


async def test_receipts_twice() -> None:
    async with listening(receipts.ReceiptsTwice(copies=3, seconds=0.005)) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted()
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 3)
        assert len(esme.delivered) == 3
        assert len({pdu.tlv(consts.TLV_RECEIPTED_MESSAGE_ID) for pdu in esme.delivered}) == 1
        assert [delivery.attempt for delivery in smsc.network.deliveries] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "answered", "receipted"),
    [
        (receipts.HexIds(), "1000", "3E8"),
        (receipts.HexIds(where="answer"), "3E8", "1000"),
        (receipts.HexIds(upper=False), "1000", "3e8"),
    ],
)
async def test_hex_ids(fault: receipts.HexIds, answered: str, receipted: str) -> None:
    async with listening(fault) as (smsc,):
        esme = await bound(smsc)
        assert await esme.submitted() == (0, answered)
        await esme.until(lambda: len(esme.delivered) == 1)
        (receipt,) = esme.delivered
        assert receipt.tlv(consts.TLV_RECEIPTED_MESSAGE_ID) == receipted.encode() + b"\0"
        assert f"id:{receipted} ".encode() in receipt.short_message
        assert smsc.network.deliveries[0].id == smsc.network.messages[0].message_id == answered


@pytest.mark.parametrize(("state", "number"), [("UNDELIV", 5), ("EXPIRED", 3), ("ENROUTE", 1)])
async def test_undelivered(state: str, number: int) -> None:
    async with listening(receipts.Undelivered(every=2, state=state)) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted(receipt=2)
        await esme.submitted(receipt=2)
        await esme.until(lambda: len(esme.delivered) == 1)
        (receipt,) = esme.delivered
        assert b"dlvrd:000 submit" in receipt.short_message
        assert f"stat:{state} err:001".encode() in receipt.short_message
        assert receipt.tlv(consts.TLV_MESSAGE_STATE) == bytes((number,))


async def test_impatient_sends_again_by_any_bind() -> None:
    async with listening(receipts.Impatient(0.02), sites=("dc3", "bos")) as (smsc, other):
        mute = await bound(smsc)
        mute.answer = None
        await mute.submitted()
        await mute.until(lambda: len(mute.delivered) >= 2)
        well = await bound(other)
        smsc.network.send_mo("well")
        mute.answer = 0
        await smsc.network.until(lambda: smsc.network.outbox.counts.open == 0)
        assert {pdu.short_message for pdu in well.delivered} <= {b"well", mute.delivered[0].short_message}


# -- together ---------------------------------------------------------------------------------------------------


async def test_behaviours_add_up_and_can_be_changed_while_it_runs() -> None:
    async with listening(receipts.HexIds(), receipts.ReceiptsTwice(), links.SplitWrites()) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted()
        await esme.until(lambda: len(esme.delivered) == 2)
        assert esme.delivered[0].tlv(consts.TLV_RECEIPTED_MESSAGE_ID) == b"3E8\0"
        smsc.behave(answers.Throttle(every=1))
        assert await statuses(esme, 1) == [consts.ESME_RTHROTTLED]
        smsc.behave()
        await esme.submitted()
        await esme.until(lambda: len(esme.delivered) == 3)
        assert esme.delivered[2].tlv(consts.TLV_RECEIPTED_MESSAGE_ID) == b"1002\0"
