"""Thousands of messages and callbacks while what they need goes away and comes back: each once, or marked."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from bridge.proof.servers import PrivateRabbit
from bridge.simulator.http.faults import CallbacksTwice, Hang
from bridge.simulator.network import Network
from bridge.simulator.smsc import SimulatedSmsc
from tests.system.application import ids
from tests.system.http_lab import HttpStage, once_each
from tests.system.lab import Event, distinct
from tests.system.test_system_outbound import taken

MTS = 5_000
CALLBACKS = 9_000
EVERY = 10
"""So many callbacks make one that comes again."""
A_SECOND = 1_000
TICK_S = 0.1


def event_ids(events: Iterable[Event], what: str) -> dict[str, set[str]]:
    """Under which ids of its own each thing was told."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        found[event[what]].add(event["event_id"])
    return dict(found)


@pytest.mark.timeout(120)
async def test_mts_over_both_ways_while_these_fail_one_after_another(
    rabbit: PrivateRabbit,
    redis_url: str,
    prefix: str,
    tmp_path: Path,
    network: Network,
    smscs: list[SimulatedSmsc],
) -> None:
    async with HttpStage(rabbit.url, redis_url, prefix, smscs=smscs, again_s=1.0) as stage:
        crew, app = await stage.crew(tmp_path, 2, network, route={"prefer": "any"}, smpp={"window": 20})
        began = time.monotonic()
        publishing = asyncio.create_task(app.publish(ids(MTS), at_once=400))
        await network.until(lambda: len(network.messages) >= 1_000)
        for smsc in smscs:
            smsc.kill()
        before = len(stage.provider.taken)
        await stage.until(lambda: len(stage.provider.taken) >= before + 1_000)
        stage.one.behave(Hang(every=1))
        await stage.until(lambda: any(request.site == "two" for request in stage.provider.taken))
        so_far = len(stage.provider.taken)
        await stage.until(lambda: len(stage.provider.taken) >= so_far + 1_000)
        stage.one.behave()
        for smsc in smscs:
            await smsc.start()
        await publishing
        await app.until(lambda: len(app.ended) == MTS)
        await app.until(distinct(app.events, "mt_id", MTS, type="dr", matched=True))
        print(f"{MTS} MTs in {time.monotonic() - began:.1f} s")

        books = taken(network) + stage.books
        assert set(books) == set(ids(MTS))
        doubled = {mt_id for mt_id, times in books.items() if times > 1}
        assert doubled <= app.resent
        assert set(stage.books.values()) == {1}, "over HTTP a copy has the name of the first"
        told = event_ids(app.of("mt", outcome="accepted"), "id")
        assert {len(found) for found in told.values()} == {1}
        assert set(told) == set(ids(MTS))
        assert {event["outcome"] for event in app.of("mt")} <= {"accepted", "resent"}
        for event in app.of("mt", outcome="accepted"):
            assert event["possible_duplicate"] or event["id"] not in app.resent
        receipts = once_each(app.of("dr", matched=True))
        assert Counter(dr["mt_id"] for dr in receipts) == Counter(ids(MTS))
        assert {request.site for request in stage.provider.taken} == {"one", "two"}
        await crew.dismiss()


@pytest.mark.timeout(120)
async def test_a_thousand_callbacks_a_second_while_rabbitmq_is_killed_and_comes_back(
    redis_url: str, prefix: str, tmp_path: Path, network: Network
) -> None:
    async with (
        PrivateRabbit() as own,
        HttpStage(own.url, redis_url, prefix, again_s=2.0, callback_timeout_s=15.0) as stage,
    ):
        for site in (stage.one, stage.two):
            site.behave(CallbacksTwice(every=EVERY))
        crew, app = await stage.crew(tmp_path, 2, network, inbound={"early_dr_wait_seconds": 0})
        await own.sync_declarations()
        mos, receipts = ids(CALLBACKS // 2, "mo"), ids(CALLBACKS // 2, "dr")
        counts, began = stage.provider.outbox.counts, time.monotonic()
        calling = asyncio.create_task(call(stage, mos, receipts))
        await stage.until(lambda: counts.ok >= CALLBACKS // 3)
        rate = counts.ok / (time.monotonic() - began)
        own.kill()
        await stage.until(lambda: counts.refused >= 100)
        await own.start()
        await calling
        await stage.until(lambda: counts.ok >= CALLBACKS + CALLBACKS // EVERY - 2)
        lasted = time.monotonic() - began
        print(f"{rate:.0f} callbacks a second until the kill; {counts} after {lasted:.1f} s")
        await app.until(distinct(app.events, "id", len(mos), type="mo"))
        await app.until(distinct(app.events, "smsc_id", len(receipts), type="dr"))
        for kind, what, expected in (("mo", "id", mos), ("dr", "smsc_id", receipts)):
            told = event_ids(app.of(kind), what)
            assert set(told) == set(expected)
            assert {len(found) for found in told.values()} == {1}, "again only under the same event id"
        assert {sent.status for sent in stage.provider.callbacks} <= {200, 503}
        await crew.dismiss()


async def call(stage: HttpStage, mos: list[str], receipts: list[str]) -> None:
    """Have the provider bring all these, so many a second."""
    loop = asyncio.get_running_loop()
    step = int(A_SECOND * TICK_S / 2)
    due = loop.time()
    for start in range(0, len(mos), step):
        for ident in mos[start : start + step]:
            stage.provider.send_mo(ident=ident)
        for number, ident in enumerate(receipts[start : start + step]):
            stage.provider.send_receipt(ident, site=("one", "two")[number % 2])
        due += TICK_S
        await asyncio.sleep(due - loop.time())  # the pace is the load
