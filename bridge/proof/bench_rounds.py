"""Measured rounds: one subject, all messages of one board, from its start to its end.

A round starts its subject anew: a real worker with an SMSC, or the bare loop. MTs are in their queue before; a life
counts from the first that is taken to the last deliver_sm that is answered. Events stay in their queue until then, so
that nothing but what is measured runs meanwhile; the worker lives until all are heard. The bare loop is the yardstick
of every setting, so it has none: one route, one segment. How many rounds there are is for `bench.py`.
"""

import asyncio
import secrets

from bridge.proof.bench_audit import Heard
from bridge.proof.bench_board import Board, happened, now
from bridge.proof.bench_course import BenchFailed, Course, Standing
from bridge.proof.bench_messages import MOST_ROWS, Mts
from bridge.proof.bench_process import peak_kib
from bridge.proof.bench_report import (
    INBOUND,
    LIVES,
    OVER_HTTP,
    InFlight,
    Latencies,
    Percentiles,
    Round,
    Subject,
    Traffic,
    latency_over_time,
    rate_over_time,
)
from bridge.proof.bench_setting import Setting, route_names
from bridge.proof.bench_smsc import HOLD_S
from bridge.proof.bench_stage import Kind, redis_memory

SETTLE_S = 1.0
"""At the beginning of a steady rate; not in its percentiles."""
STEPS = 40
"""Points of a line over time."""


async def peak(course: Course, subject: Subject, traffic: Traffic, rows: int) -> Round:
    """As fast as the subject can."""
    what = f"{subject}: {LIVES[traffic]}"
    bridge, inbound = subject == "bridge", traffic in INBOUND
    segments = course.setting.segments if bridge and traffic == "mt" else 1
    redis_url = course.ground.stage.servers.redis_url
    board = course.board(rows)
    memory = await redis_memory(redis_url)
    mts = _mts(course.setting.routes if bridge else 1, segments)
    publish_us = None if inbound else await _fill(course, board, mts, what)
    provider = await course.start_provider(board, traffic, segments=segments) if bridge else None
    started = now()
    if bridge:
        kind: Kind = "http" if traffic in OVER_HTTP else "smpp"
        child = await course.start_worker(kind, course.setting.workers)
    else:
        child = await course.start_bare(traffic)
    cpu_us, seconds = await course.watch(board, child, provider, what)
    most_kib = peak_kib(child.pid)
    if not bridge:
        await course.until(lambda: board.total("ended") > 0, "the bare loop does not end")
    heard = Heard(board, mos=inbound, segments=segments)
    await course.consumer.listen(heard.hear)
    findings = await course.audit(heard, rows, bare=not bridge)
    for one in (child, provider):
        if one is not None:
            await one.stop()
    kept = (await redis_memory(redis_url)).since(memory)
    begun = happened(board.sent if inbound else board.taken)
    if publish_us is not None and cpu_us["broker"] is not None:
        cpu_us["broker"] += publish_us
    return Round(
        subject=subject,
        traffic=traffic,
        lives=rows,
        seconds=max(board.answered) - begun[0],
        cpu_us=cpu_us,
        publish_us=publish_us,
        start_s=begun[0] - started,
        peak_kib=most_kib,
        redis_bytes=None if kept is None else kept / rows,
        refused=board.total("refused"),
        findings=findings,
        rate=rate_over_time(happened(board.answered), seconds / STEPS),
        begun=rate_over_time(begun, seconds / STEPS),
    )


async def steady(course: Course, rate: float, seconds: float) -> Latencies:
    """MTs at this rate, through a worker that does nothing else."""
    setting = course.setting
    board = course.board(min(int(rate * (seconds + SETTLE_S)) + 1, MOST_ROWS))
    heard = Heard(board, mos=False, segments=setting.segments)
    await course.consumer.listen(heard.hear)
    provider = await course.start_provider(board, "mt", segments=setting.segments)
    worker = await course.start_worker("smpp", setting.workers)
    await _bound(course, board, setting)
    mts = _mts(setting.routes, setting.segments)
    pace = asyncio.create_task(course.producer.pace(board, mts, rate))
    try:
        cpu_us, _ = await course.watch(board, worker, provider, f"bridge: MTs at {rate:,.0f}/s")
        await pace
    finally:
        pace.cancel()
    findings = await course.audit(heard, board.rows, bare=False)
    for one in (worker, provider):
        await one.stop()
    rows = range(min(int(rate * SETTLE_S), board.rows - 1), board.rows)
    # What was lost has no latency; that it was lost is in the findings.
    submit = [
        (board.published[row], board.taken[row] - board.published[row]) for row in rows if board.taken[row]
    ]
    event = sorted((board.sent[row], board.heard[row] - board.sent[row]) for row in rows if board.heard[row])
    if not submit or not event:
        raise BenchFailed("nothing arrived at a steady rate")
    return Latencies(
        rate=rate,
        lives=board.rows,
        submit=Percentiles.of([took for _, took in submit]),
        event=Percentiles.of([took for _, took in event]),
        submit_over_time=latency_over_time(submit, 0.99, seconds / STEPS),
        event_over_time=latency_over_time(event, 0.99, seconds / STEPS),
        cpu_us=cpu_us,
        findings=findings,
    )


async def in_flight(course: Course, count: int) -> InFlight:
    """So many MTs, none of which the SMSC answers before it has them all, or has waited for long enough."""
    setting = Setting.with_in_flight(count)
    board = course.board(count)
    provider = await course.start_provider(board, "mt", hold=count)
    worker = await course.start_worker("in-flight", setting.workers)
    await _bound(course, board, setting)
    idle_kib = peak_kib(worker.pid)
    await course.producer.fill(board, _mts(setting.routes, setting.segments))
    await course.until(
        lambda: board.total("answered") > 0 or board.total("held") >= count, "no answer came", HOLD_S
    )
    held_kib = peak_kib(worker.pid)
    await course.watch(board, worker, provider, f"bridge: {count:,} in flight")
    most_kib = peak_kib(worker.pid)
    heard = Heard(board, mos=False)
    await course.consumer.listen(heard.hear)
    findings = await course.audit(heard, count, bare=False)
    for one in (worker, provider):
        await one.stop()
    return InFlight(
        wanted=count,
        reached=board.total("held"),
        idle_kib=idle_kib,
        held_kib=held_kib,
        peak_kib=most_kib,
        findings=findings,
    )


async def _fill(course: Course, board: Board, mts: Mts, what: str) -> float | None:
    """Put all MTs into their queues; the broker's CPU for each, in microseconds."""
    course.show(Standing(f"{what}: publishing", 0, board.rows, 0.0))
    before = course.cpu_of_servers()["broker"]
    await course.producer.fill(board, mts)
    after = course.cpu_of_servers()["broker"]
    return None if before is None or after is None else (after - before) / board.rows * 1e6


async def _bound(course: Course, board: Board, setting: Setting) -> None:
    binds = setting.workers * setting.binds
    await course.until(lambda: board.total("ready") > binds, "the worker does not bind")


def _mts(routes: int, segments: int) -> Mts:
    return Mts(secrets.token_hex(3), route_names(routes), segments)
