"""The corpus of receipts and MOs as real PDUs over sockets, into events: each from a phone of its own."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest

from bridge.config.settings import Settings
from bridge.proof.servers import PrivateRabbit
from tests.corpus.cases import Case, cases, differences, told_by_event
from tests.system.lab import Event, Lab, document
from tests.system.scripted import ScriptedSmsc

OURS = "12345"
PHONES = {f"4479{number:08d}": case for number, case in enumerate(cases())}
ACCOUNTS = sorted({case.default_alphabet for case in PHONES.values()})


def settings(rabbit: PrivateRabbit, redis_url: str, prefix: str, ports: Mapping[str, int]) -> Settings:
    """A provider and a route for each alphabet, named after it."""
    inbound = {"segment_wait_seconds": 1, "early_dr_wait_seconds": 1}
    body = document(rabbit.url, redis_url, prefix, {}, inbound=inbound)
    body["providers"] = {
        alphabet: {
            "smpp": {"system_id": "bridge", "password": "secret", "default_alphabet": alphabet},
            "sites": {"one": {"smsc": [f"127.0.0.1:{port}"]}},
        }
        for alphabet, port in ports.items()
    }
    body["routes"] = {alphabet: {"providers": [alphabet], "from": OURS} for alphabet in ports}
    return Settings.model_validate(body)


@pytest.mark.servers
async def test_every_case_of_the_corpus_becomes_its_event(
    rabbit: PrivateRabbit, redis_url: str, prefix: str
) -> None:
    ids = {phone: case.submit_resp_id for phone, case in PHONES.items() if case.submit_resp_id}
    async with AsyncExitStack() as stack:
        smscs = {alphabet: await stack.enter_async_context(ScriptedSmsc(ids)) for alphabet in ACCOUNTS}
        ports = {alphabet: smsc.port for alphabet, smsc in smscs.items()}
        lab = await stack.enter_async_context(Lab(settings(rabbit, redis_url, prefix, ports)))
        for smsc in smscs.values():
            await smsc.bound()
        for phone in ids:
            mt = {"id": phone, "to": phone, "text": "hello", "receipt": "all"}
            await lab.publish([mt], key=f"mt.{PHONES[phone].default_alphabet}")
        sent = dict.fromkeys(ACCOUNTS, 0)
        for phone, case in PHONES.items():
            smscs[case.default_alphabet].send(case.pdu(phone, OURS))
            sent[case.default_alphabet] += 1
        await lab.until(lambda: len(lab.by_kind["dr"]) + len(lab.by_kind["mo"]) >= len(PHONES))
        for alphabet, smsc in smscs.items():
            await smsc.answered(sent[alphabet])
            assert set(smsc.statuses.values()) == {0}
        assert len(lab.by_kind["dr"]) + len(lab.by_kind["mo"]) == len(PHONES)
    wrong = {PHONES[event["from"]].name: found for event in lab.events if (found := told_wrong(event))}
    assert wrong == {}


def told_wrong(event: Event) -> list[str]:
    """What an event says otherwise than it should."""
    case: Case = PHONES[event["from"]]
    if case.submit_resp_id is None:
        return differences(case.expect, told_by_event(event))
    # Matched: with the id as the answer had it, and the MT it was for.
    expect = dict(case.expect) | {"id": case.submit_resp_id}
    of_mt = [] if event["mt_id"] == event["from"] else [f"matched with {event['mt_id']!r}"]
    return differences(expect, told_by_event(event)) + of_mt
