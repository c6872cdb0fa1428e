"""The log of the provider: what an audit in another process can rely on, SIGKILL included."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model.inbound import Concat
from bridge.simulator import Network
from bridge.simulator.faults import answers, links
from tests.simulator.esme import HANDSET, bound, listening


def lines(log: Path) -> list[dict[str, Any]]:
    """What the file says now."""
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_each_answer_is_in_the_file_when_it_is_seen(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"event": "of yesterday"}\n')
    network = Network(receipt_delay_s=0.0, log=log, keep_records=False)
    async with listening(network=network) as (smsc,):
        esme = await bound(smsc)
        status, message_id = await esme.submitted("hello")
        submit = next(line for line in lines(log) if line["event"] == "submit")
        del submit["at"]
        assert submit == {
            "event": "submit",
            "site": "dc3",
            "node": smsc.node,
            "bind": f"{smsc.node}#1",
            "sequence_number": 2,
            "source": "12345",
            "destination": HANDSET,
            "octets": b"hello".hex(),
            "data_coding": 0,
            "registered_delivery": 1,
            "esm_class": 0,
            "segment": None,
            "message_id": message_id,
            "receipt_id": message_id,
            "status": status,
        }
        await network.until(lambda: network.outbox.counts.ok == 1)
        events = [line["event"] for line in lines(log)]
        assert events == ["of yesterday", "up", "bound", "submit", "deliver", "deliver_answer"]
        deliver, answer = lines(log)[-2:]
        assert bytes.fromhex(deliver["octets"]) == esme.delivered[0].short_message
        assert (deliver["kind"], deliver["id"], deliver["attempt"]) == ("receipt", message_id, 1)
        assert (answer["kind"], answer["id"], answer["status"]) == ("receipt", message_id, 0)
        assert (answer["bind"], answer["sequence_number"]) == (deliver["bind"], deliver["sequence_number"])
    assert [line["event"] for line in lines(log)][-2:] == ["down", "lost"]
    assert [len(kept) for kept in (network.submits, network.messages, network.deliveries)] == [0, 0, 0]


async def test_taken_without_an_answer_is_in_the_file_as_taken(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    network = Network(log=log)
    async with listening(
        answers.Slow(0.02, every=3), answers.Throttle(every=2), links.Drop(after=4), network=network
    ) as (smsc,):
        esme = await bound(smsc)
        assert [(await esme.submitted(receipt=0))[0] for _ in range(3)] == [0, 0x58, 0]
        esme.submit(receipt=0)
        await esme.until(lambda: esme.closed)
        submits = [line for line in lines(log) if line["event"] == "submit"]
        assert [line["status"] for line in submits] == [0, 0x58, None, None]
        assert [line["message_id"] is not None for line in submits] == [True, False, True, False]
        (late,) = (line for line in lines(log) if line["event"] == "answer")
        assert (late["message_id"], late["status"]) == (submits[2]["message_id"], 0)
        assert (late["bind"], late["sequence_number"]) == (submits[2]["bind"], submits[2]["sequence_number"])


async def test_a_segment_says_which_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with listening(network=Network(log=log)) as (smsc,):
        esme = await bound(smsc)
        await esme.submitted("world", receipt=0, segment=Concat(ref=9, total=3, seq=2))
        (submit,) = (line for line in lines(log) if line["event"] == "submit")
        assert submit["segment"] == {"reference": 9, "total": 3, "number": 2}
        assert (submit["esm_class"], submit["octets"]) == (0x40, "050003090302" + b"world".hex())


def test_a_log_that_cannot_be_written_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        Network(log=tmp_path)
