"""A good simulated SMSC: what a specification-minded ESME may expect of it, over real sockets."""

import asyncio
from pathlib import Path

import pytest
import smpp34
import uvloop

from bridge.model.inbound import Concat
from bridge.simulator import Network, SimulatedSite, SimulatedSmsc
from bridge.simulator.writing import Manner
from bridge.smpp import consts
from bridge.smpp.framing import HEADER
from bridge.smpp.pdus import DeliverSm
from tests.simulator.esme import HANDSET, bound, connect, listening, quick_network


async def test_submit_is_answered_recorded_and_receipted() -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        assert await esme.submitted("hello") == (consts.ESME_ROK, "1000")
        await esme.until(lambda: len(esme.delivered) == 1)
        (receipt,) = esme.delivered
        assert receipt.esm_class == consts.ESM_CLASS_RECEIPT
        assert (receipt.source_addr, receipt.destination_addr) == (HANDSET, "12345")
        assert receipt.tlv(consts.TLV_RECEIPTED_MESSAGE_ID) == b"1000\0"
        assert receipt.tlv(consts.TLV_MESSAGE_STATE) == b"\x02"
        assert receipt.short_message.startswith(b"id:1000 sub:001 dlvrd:001 submit date:")
        assert receipt.short_message.endswith(b" stat:DELIVRD err:000 text:hello")
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 1)
        (message,) = smsc.network.messages
        assert (message.octets, message.message_id, message.status, message.node, message.taken) == (
            b"hello",
            "1000",
            0,
            smsc.node,
            True,
        )
        (delivery,) = smsc.network.deliveries
        assert (delivery.kind, delivery.id, delivery.status, delivery.attempt) == ("receipt", "1000", 0, 1)
        assert delivery.octets == receipt.short_message
        assert smsc.network.outbox.counts.open == 0


@pytest.mark.parametrize(("asked", "receipts"), [(0, 0), (1, 1), (2, 0)])
async def test_receipts_only_as_asked(asked: int, receipts: int) -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        await esme.submitted(receipt=asked)
        await smsc.network.until(lambda: smsc.network.outbox.counts.open == 0)
        assert len(esme.delivered) == receipts


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [("bridge", "wrong", consts.ESME_RINVPASWD), ("nobody", "secret", consts.ESME_RINVSYSID)],
)
async def test_wrong_credentials(system_id: str, password: str, status: int) -> None:
    async with listening() as (smsc,):
        esme = await connect(smsc)
        assert await esme.bind(system_id=system_id, password=password) == status
        await esme.until(lambda: esme.closed)


async def test_the_states_of_a_session() -> None:
    async with listening() as (smsc,):
        esme = await connect(smsc)
        assert await esme.submitted() == (consts.ESME_RINVBNDSTS, "")
        assert (
            await esme.response(esme.send(consts.BIND_RECEIVER, b"cut"))
        ).command_status == consts.ESME_RBINDFAIL
        await esme.until(lambda: esme.closed)
        receiver = await bound(smsc, consts.BIND_RECEIVER)
        assert await receiver.bind() == consts.ESME_RALYBND
        assert await receiver.submitted() == (consts.ESME_RINVBNDSTS, "")
        answer = await receiver.response(receiver.send(consts.ENQUIRE_LINK))
        assert (answer.command_id, answer.command_status) == (consts.ENQUIRE_LINK_RESP, 0)
        answer = await receiver.response(receiver.send(consts.DATA_SM))
        assert (answer.command_id, answer.command_status) == (consts.GENERIC_NACK, consts.ESME_RINVCMDID)
        receiver.send(consts.ENQUIRE_LINK_RESP)
        receiver.send(consts.UNBIND_RESP)  # of nothing: ignored
        answer = await receiver.response(receiver.send(consts.UNBIND))
        assert answer.command_id == consts.UNBIND_RESP
        await receiver.until(lambda: receiver.closed)
        assert smsc.network.submits == []


async def test_an_unreadable_submit_is_refused_and_a_broken_stream_ended() -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        answer = await esme.response(esme.send(consts.SUBMIT_SM, b"\0\1\1447"))
        assert (answer.command_id, answer.command_status) == (consts.SUBMIT_SM_RESP, consts.ESME_RINVMSGLEN)
        assert await esme.submitted() == (0, "1000")
        esme.transport.write(HEADER.pack(15, consts.SUBMIT_SM, 0, 9))
        await esme.until(lambda: esme.closed)
        assert esme.frames[-1][:3] == (consts.GENERIC_NACK, consts.ESME_RINVCMDLEN, 0)


async def test_a_transmitter_gets_no_receipt_and_a_later_receiver_gets_all() -> None:
    async with listening() as (smsc,):
        network = smsc.network
        transmitter = await bound(smsc, consts.BIND_TRANSMITTER)
        for _ in range(3):
            await transmitter.submitted()
        (mo,) = network.send_mo("from a phone")
        assert network.outbox.counts.open == 4
        receiver = await bound(smsc, consts.BIND_RECEIVER)
        await network.until(lambda: network.outbox.counts.open == 0)
        assert transmitter.delivered == []
        assert len(receiver.delivered) == 4
        assert network.stats()["binds"] == 2
        assert (mo.done, mo.times_sent) == (0, 1)


@pytest.mark.parametrize(("text", "data_coding"), [("na na @ €", 0), ("日本", 8)])
async def test_texts_from_phones(text: str, data_coding: int) -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        smsc.network.send_mo(text)
        await esme.until(lambda: len(esme.delivered) == 1)
        assert esme.delivered[0].data_coding == data_coding
        assert esme.delivered[0].esm_class == 0


async def test_a_long_text_from_a_phone_comes_in_segments_over_all_binds() -> None:
    async with listening(sites=("dc3", "bos")) as (one, other):
        esmes = [await bound(one), await bound(other)]
        parcels = one.network.send_mo("long " * 60, name="mo-x")
        await one.network.until(lambda: all(parcel.done == 0 for parcel in parcels))
        assert [parcel.id for parcel in parcels] == ["mo-x/1", "mo-x/2"]
        assert [len(esme.delivered) for esme in esmes] == [1, 1]
        pieces = sorted(pdu.short_message for esme in esmes for pdu in esme.delivered)
        assert [piece[:6] for piece in pieces] == [b"\5\0\3\1\2\1", b"\5\0\3\1\2\2"]
        assert b"".join(piece[6:] for piece in pieces) == b"long " * 60
        second = one.network.send_mo("other " * 60)
        await one.network.until(lambda: all(parcel.done == 0 for parcel in second))
        assert {parcel.octets[3] for parcel in second} == {2}, "the next reference"


async def test_segments_leave_in_the_order_asked_for_some_twice_some_never() -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        manner = Manner(order=(3, 1, 3), reference=77, header="udh16")
        parcels = smsc.network.send_mo("long " * 90, manner=manner)
        await esme.until(lambda: len(esme.delivered) == 3)
        assert [parcel.id.rpartition("/")[2] for parcel in parcels] == ["3", "1", "3"]
        assert [pdu.short_message[:7] for pdu in esme.delivered] == [
            bytes((6, 8, 4, 0, 77, 3, number)) for number in (3, 1, 3)
        ]


async def test_mos_at_a_rate_may_be_long() -> None:
    network = Network(mo_rate=500, long_mo_every=2, deliver_again_s=0.01)
    async with listening(network=network) as (smsc,):
        esme = await bound(smsc)
        await esme.until(lambda: len({kind_of(pdu) for pdu in esme.delivered}) == 4)
        assert {kind_of(pdu) for pdu in esme.delivered} == {"whole", "udh8", "udh16", "sar"}


def kind_of(pdu: DeliverSm) -> str:
    """What says which segment it is."""
    if pdu.esm_class:
        return {0: "udh8", 8: "udh16"}[pdu.short_message[1]]
    return "sar" if pdu.tlvs else "whole"


async def test_what_phones_show_is_put_together_from_submits() -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        segments = [Concat(ref=5, total=2, seq=number) for number in (2, 1)]
        await esme.submitted("world", segment=segments[0])
        await esme.submitted("short")
        await esme.submitted("hello ", segment=segments[1])
        assert [message.text for message in smsc.network.handsets.messages] == ["short", "hello world"]
        assert [submit.segment for submit in smsc.network.submits] == [segments[0], None, segments[1]]


async def test_mos_at_a_rate_are_all_different() -> None:
    network = Network(mo_rate=500, deliver_again_s=0.01)
    async with listening(network=network) as (smsc,):
        esme = await bound(smsc)
        await esme.until(lambda: len(esme.delivered) >= 20)
        texts = [pdu.short_message for pdu in esme.delivered]
        assert len(set(texts)) == len(texts)
        assert all(text.startswith(b"mo-") for text in texts)


async def test_receipts_of_messages_nobody_sent() -> None:
    async with listening() as (smsc,):
        esme = await bound(smsc)
        ids = smsc.network.send_strange_receipts(300)
        await esme.until(lambda: len(esme.delivered) == 300)
        assert [pdu.tlv(consts.TLV_RECEIPTED_MESSAGE_ID) for pdu in esme.delivered] == [
            message_id.encode() + b"\0" for message_id in ids
        ]


async def test_put_off_comes_again_and_a_final_refusal_does_not() -> None:
    async with listening() as (smsc,):
        network = smsc.network
        esme = await bound(smsc)
        esme.answer = consts.ESME_RMSGQFUL
        (mo,) = network.send_mo()
        await network.until(lambda: network.outbox.counts.put_off >= 2)
        esme.answer = consts.ESME_RX_R_APPN
        await network.until(lambda: mo.done is not None)
        assert mo.done == consts.ESME_RX_R_APPN
        assert [delivery.status for delivery in network.deliveries][-1] == consts.ESME_RX_R_APPN
        assert (network.outbox.counts.refused, network.outbox.counts.open) == (1, 0)


async def test_a_generic_nack_answers_a_deliver_sm_and_a_doubled_answer_nothing() -> None:
    async with listening() as (smsc,):
        network = smsc.network
        esme = await bound(smsc)
        esme.answer = None
        (mo,) = network.send_mo()
        await esme.until(lambda: len(esme.delivered) == 1)
        for _ in range(2):
            esme.transport.write(HEADER.pack(16, consts.GENERIC_NACK, consts.ESME_RINVCMDID, 1))
        await network.until(lambda: mo.done is not None)
        await esme.submitted(receipt=0)
        assert (network.outbox.counts.refused, network.outbox.counts.open) == (1, 0)


async def test_what_a_dead_bind_did_not_answer_goes_to_another_with_the_same_octets() -> None:
    async with listening(sites=("dc3", "bos")) as (one, other):
        network = one.network
        mute = await bound(one)
        mute.answer = None
        await mute.submitted()
        await mute.until(lambda: len(mute.delivered) == 1)
        well = await bound(other)
        mute.transport.abort()
        await well.until(lambda: len(well.delivered) == 1)
        assert well.delivered == mute.delivered
        await network.until(lambda: network.outbox.counts.ok == 1)
        assert [(d.node, d.attempt, d.status) for d in network.deliveries] == [
            (one.node, 1, None),
            (other.node, 2, 0),
        ]


async def test_what_is_not_answered_in_time_is_sent_again_and_the_bind_lives() -> None:
    async with listening(network=quick_network(deliver_timeout_s=0.02)) as (smsc,):
        esme = await bound(smsc)
        esme.answer = None
        (mo,) = smsc.network.send_mo()
        await esme.until(lambda: len(esme.delivered) == 3)
        esme.answer = 0
        await smsc.network.until(lambda: mo.done == 0)
        assert mo.times_sent >= 3
        assert smsc.network.outbox.counts.unanswered == mo.times_sent - 1
        assert await esme.submitted(receipt=0) == (0, "1001")


async def test_no_more_than_the_window_is_unanswered() -> None:
    async with listening(network=quick_network(deliver_window=2)) as (smsc,):
        esme = await bound(smsc)
        esme.answer = None
        for _ in range(5):
            smsc.network.send_mo()
        await esme.submitted(receipt=0)
        assert len(esme.delivered) == 2
        esme.transport.write(HEADER.pack(16, consts.DELIVER_SM_RESP, 0, 1))
        await esme.until(lambda: len(esme.delivered) == 3)


async def test_a_provider_that_owes_too_much_takes_no_more() -> None:
    async with listening(network=quick_network(backlog=2)) as (smsc,):
        esme = await bound(smsc, consts.BIND_TRANSMITTER)
        answers = [await esme.submitted() for _ in range(3)]
        assert answers == [(0, "1000"), (0, "1001"), (consts.ESME_RMSGQFUL, "")]
        assert [submit.taken for submit in smsc.network.submits] == [True, True, False]


async def test_stop_unbinds_and_kill_does_not() -> None:
    async with listening() as (smsc,):
        idle, esme = await connect(smsc), await bound(smsc)
        port = smsc.port
        await smsc.stop()
        await esme.until(lambda: esme.closed)
        assert consts.UNBIND in esme.commands
        await idle.until(lambda: idle.closed)
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await connect(smsc)
        await smsc.start()
        assert smsc.port == port
        esme = await bound(smsc)
        smsc.kill()
        assert not smsc.up
        await esme.until(lambda: esme.closed)
        assert consts.UNBIND not in esme.commands


async def test_an_esme_asked_to_go_may_answer_what_it_has() -> None:
    async with listening() as (smsc,):
        network = smsc.network
        esme = await bound(smsc)
        esme.answer = None
        (mo,) = network.send_mo()
        await esme.until(lambda: len(esme.delivered) == 1)
        (session,) = smsc.sessions
        session.unbind()
        esme.transport.write(HEADER.pack(16, consts.DELIVER_SM_RESP, 0, 1))
        await network.until(lambda: mo.done == 0)
        assert mo.times_sent == 1
        await esme.until(lambda: esme.closed)


async def test_stop_waits_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.simulator.smsc.STOP_S", 0.05)
    async with listening() as (smsc,):
        esme = await bound(smsc)
        esme.transport.pause_reading()
        await smsc.stop()
        esme.transport.resume_reading()
        await esme.until(lambda: esme.closed)


async def test_a_site_is_killed_and_comes_back_while_its_receipts_leave_by_the_other() -> None:
    async with listening(sites=("?", "?", "bos")) as (first, second, bos):
        dc3 = SimulatedSite("dc3", [first, second])
        here, there = await bound(second, consts.BIND_TRANSMITTER), await bound(bos)
        await here.submitted()
        dc3.kill()
        await here.until(lambda: here.closed)
        await there.until(lambda: len(there.delivered) == 1)
        await dc3.start()
        assert await (await bound(first)).submitted(receipt=0) == (0, "1001")
        assert [message.site for message in bos.network.messages] == ["dc3", "dc3"]
        await dc3.stop()
        assert [node.up for node in (first, second, bos)] == [False, False, True]


def test_killed_and_started_at_once_on_uvloop_too() -> None:
    async def again() -> None:
        async with listening() as (smsc,):
            for _ in range(3):
                esme = await bound(smsc)
                await esme.submitted()
                smsc.kill()
                await smsc.start()
            assert len(smsc.network.messages) == 3

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(again())


async def test_an_esme_that_does_not_read_gets_no_more_until_it_does() -> None:
    async with listening(network=quick_network(deliver_window=100_000, backlog=1_000_000)) as (smsc,):
        network = smsc.network
        esme = await bound(smsc)
        esme.answer = None
        esme.transport.pause_reading()
        (session,) = smsc.sessions
        while not session.paused:
            for _ in range(1000):
                network.send_mo("x" * 160)
            await asyncio.sleep(0)
        sent = network.outbox.counts.sent
        network.send_mo()
        assert network.outbox.counts.sent == sent
        esme.transport.resume_reading()
        await network.until(lambda: network.outbox.counts.sent == sent + 1)


async def test_an_independent_esme_is_content() -> None:
    async with listening() as (smsc,):
        client = smpp34.Client(smsc.host, smsc.port, "bridge", "secret", bind_type="TRX")
        peer = await client.connect()
        answer = await peer.submit_sm(HANDSET, b"hello", source_addr="12345", registered_delivery=1)
        assert (answer.is_success, answer.message_id) == (True, "1000")
        async with asyncio.timeout(10):
            receipt = await peer.next()
        assert isinstance(receipt, smpp34.DeliverSmEvent)
        assert b"id:1000 " in receipt.short_message
        await smsc.network.until(lambda: smsc.network.outbox.counts.ok == 1)
        await client.stop()


async def test_a_taken_port_is_an_oserror(tmp_path: Path) -> None:
    async with listening() as (smsc,):
        with pytest.raises(OSError, match="in use"):
            await SimulatedSmsc(port=smsc.port, network=smsc.network).start()
