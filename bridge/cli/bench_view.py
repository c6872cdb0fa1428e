"""What `bridge bench` shows: how each round goes, and the tables and the drawing at the end."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.build import in_words, is_compiled
from bridge.proof.bench_course import Standing
from bridge.proof.bench_plot import Line, Panel, svg
from bridge.proof.bench_report import (
    LIVES,
    PARTS,
    Latencies,
    Percentiles,
    Report,
    Round,
    Traffic,
    cpu_of,
    middle,
    ratio,
    summary,
)

Figure = Callable[[Round], float | None]
_MIB = 1 << 20
BRIDGE, BEGUN, BARE, SUBMIT, EVENT = "#1f6feb", "#9ec5fe", "#8c8c8c", "#c2410c", "#15803d"


class View:
    """The bench on a terminal, or in a log. Progress goes to stderr, the report to stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = Console(stderr=True, highlight=False)
        self._result = Console(highlight=False)
        self._live: Live | None = None

    @contextmanager
    def live(self) -> Iterator[None]:
        """While it runs: on a terminal, a line that moves."""
        hint = "" if is_compiled() else "; `make bench` measures it compiled"
        self.say("bridge bench  the bridge, and the bare operations of RabbitMQ and Redis, in turn")
        self.say(f"the bridge is {in_words()}{hint}")
        if not self._progress.is_terminal:
            yield
            return
        with Live(console=self._progress, auto_refresh=False, transient=True) as self._live:
            yield
        self._live = None

    def say(self, text: str) -> None:
        """Something happened."""
        self._progress.print(text, soft_wrap=True, markup=False)

    def show(self, standing: Standing) -> None:
        """How the round goes."""
        if self._live is None:
            return
        line = Table.grid(padding=(0, 2))
        line.add_row(
            ProgressBar(total=standing.rows, completed=standing.done, width=40),
            standing.what,
            f"{standing.done:,} of {standing.rows:,}",
            f"{standing.per_s:,.0f}/s",
        )
        self._live.update(line, refresh=True)

    def round(self, one: Round) -> None:
        """A round is over."""
        worker = one.cpu_us["worker"] or 0.0
        self.say(
            f"{one.subject:>6}: {one.lives:,} {LIVES[one.traffic]} in {one.seconds:.1f} s, "
            f"{one.per_s:,.0f}/s, {worker:.0f} us of CPU each"
        )

    def report(self, report: Report) -> None:
        """All of it."""
        if self._as_json:
            machine = {"cores": os.cpu_count(), "python": platform.python_version()}
            click.echo(orjson.dumps({**summary(report), "machine": machine, "compiled": is_compiled()}))
            return
        for traffic in report.traffics:
            self._result.print(_table(report, traffic))
        if report.latencies is not None:
            self._result.print(_latencies(report.latencies))
        for line in _lines(report):
            self._result.print(f"  {line}\n", soft_wrap=True)
        self._result.print(_sentence(report), soft_wrap=True)

    @staticmethod
    def drawing(report: Report) -> str:
        """Rate and latency over time, as SVG."""
        panels = [_rates(report, traffic) for traffic in report.traffics]
        latencies = report.latencies
        if latencies is not None:
            lines = (
                Line("publish to submit_sm", latencies.submit_over_time, SUBMIT),
                Line("receipt to event", latencies.event_over_time, EVENT),
            )
            panels.append(
                Panel(f"Latency, p99, at {latencies.rate:,.0f} MTs a second", "milliseconds", lines)
            )
        return svg("bridge bench", panels)


def _table(report: Report, traffic: Traffic) -> Table:
    bridge, bare = report.of("bridge", traffic), report.of("bare", traffic)
    table = Table(box=SIMPLE, title=f"{LIVES[traffic]}, median of {len(bridge)}", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in ("bridge", "bare loop", "bridge : bare"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("a second", *_compared(bridge, bare, lambda one: one.per_s, ","), style="bold")
    for part in PARTS:
        table.add_row(f"CPU of {part}, us each", *_compared(bridge, bare, cpu_of(part)))
    segments = report.segments(traffic)
    if segments > 1:
        for part in PARTS:
            table.add_row(
                f"CPU of {part}, us a segment", _told(middle(bridge, cpu_of(part, segments))), "", ""
            )
    table.add_row("Redis keeps, octets each", *_compared(bridge, bare, lambda one: one.redis_bytes))
    table.add_row("memory at most, MiB", *_compared(bridge, bare, lambda one: one.peak_kib / 1024))
    table.add_row("start to first, s", *_compared(bridge, bare, lambda one: one.start_s, digits=2))
    refused = sum(one.refused for one in bridge)
    if refused:
        table.add_row("put off to be sent again", f"{refused:,}", "", "")
    return table


def _compared(
    bridge: Sequence[Round], bare: Sequence[Round], value: Figure, comma: str = "", digits: int = 0
) -> list[str]:
    figures = [middle(rounds, value) for rounds in (bridge, bare)]
    compared = ratio(bridge, bare, value)
    told = [_told(figure, comma, digits) for figure in figures]
    return [*told, "" if compared is None else f"{compared:.2f}"]


def _told(figure: float | None, comma: str = "", digits: int = 0) -> str:
    return "unknown" if figure is None else f"{figure:{comma}.{digits}f}"


def _lines(report: Report) -> Iterator[str]:
    """What there is to be said beside the tables."""
    if report.setting.segments > 1:
        yield (
            f"A life over SMPP is an MT of {report.setting.segments} segments, and a ratio is of lives: the bare loop "
            "knows no segments."
        )
    memory = report.remembered
    if memory is not None:
        yield (
            f"Redis remembered {memory.lives:,} finished MTs before the rounds, in {memory.octets / _MIB:,.0f} MiB: "
            f"{memory.octets / memory.lives:,.0f} octets each."
        )
    many = report.in_flight
    if many is not None:
        reached = (
            f"{many.reached:,}" if many.reached >= many.wanted else f"{many.reached:,} of {many.wanted:,}"
        )
        yield (
            f"With {reached} MTs in flight a worker had {many.held_kib / 1024:,.0f} MiB; before the first, "
            f"{many.idle_kib / 1024:,.0f} MiB; until all were through, {many.peak_kib / 1024:,.0f} MiB at most."
        )


def _latencies(latencies: Latencies) -> Table:
    title = f"latency at {latencies.rate:,.0f} MTs a second, {latencies.lives:,} of them"
    table = Table(box=SIMPLE, title=title, title_justify="left")
    table.add_column("milliseconds", no_wrap=True)
    for name in ("p50", "p99", "p99.9"):
        table.add_column(name, justify="right", no_wrap=True)
    for what, figures in (("publish to submit_sm", latencies.submit), ("receipt to event", latencies.event)):
        table.add_row(what, *_percentiles(figures))
    return table


def _percentiles(figures: Percentiles) -> list[str]:
    return [f"{figure:.1f}" for figure in (figures.p50, figures.p99, figures.p999)]


def _sentence(report: Report) -> Text:
    findings = report.findings
    if findings.clean:
        return Text("  Nothing was lost, nothing was doubled.\n", "bold green")
    return Text(
        f"  FAILED: {findings.lost:,} lost, {findings.doubled:,} doubled, {findings.wrong:,} events that nobody "
        f"expects: {findings.example}\n",
        "bold red",
    )


def _rates(report: Report, traffic: Traffic) -> Panel:
    bridge, bare = report.of("bridge", traffic), report.of("bare", traffic)
    lines = [
        *(Line("bare loop", one.rate, BARE, dashed=True) for one in bare),
        *(Line("bridge, begun", one.begun, BEGUN) for one in bridge),
        *(Line("bridge", one.rate, BRIDGE) for one in bridge),
    ]
    return Panel(f"Rate of {LIVES[traffic]}", "a second", lines)
