"""What `bridge demo` shows: what happens as it happens, a live picture on a terminal, and the verdict at the end."""

import asyncio
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import orjson
from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.broker.session import place_of
from bridge.proof.audit import Audit
from bridge.proof.demo import Demo, Mood, Plan, Verdict

LOOKS_PER_S = 4
LINE_EVERY_S = 5.0
"""Where there is no terminal, the counts are a line so often."""
COLOURS = {Mood.CALM: "", Mood.BAD: "red", Mood.GOOD: "green"}
OTHERWISE = "wrong in another way"
WRONGS = {"lost": "lost", "doubled": "doubled without a mark", "wrong": OTHERWISE}
"""What is neither lost nor doubled; shown only where there is some."""


class View:
    """The demo on a terminal, or in a log. Progress goes to stderr, the verdict to stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = Console(stderr=True, highlight=False)
        self._result = Console(highlight=False)
        self._demo: Demo | None = None
        self._taken: deque[dict[str, int]] = deque(maxlen=LOOKS_PER_S + 1)

    def say(self, text: str, mood: Mood = Mood.CALM) -> None:
        """Something happened."""
        clock = "" if self._demo is None or self._demo.started is None else _clock(self._demo.elapsed_s)
        if not self._progress.is_terminal:  # a log: one line is one line
            self._progress.print(f"{clock:>5}  {text}", soft_wrap=True, markup=False)
            return
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(Text(f"{clock:>5}", "dim"), Text(text, COLOURS[mood]))
        self._progress.print(line)

    def open(self, plan: Plan) -> None:
        """The first line."""
        self._progress.print(
            Text.assemble(
                ("bridge demo", "bold"),
                f"  all of it here, only the provider is played (seed {plan.seed})",
            ),
            soft_wrap=True,
        )

    async def follow(self, demo: Demo) -> None:
        """Show how it goes, until cancelled."""
        self._demo = demo
        if not self._progress.is_terminal:
            await self._tell(demo)
        with Live(console=self._progress, auto_refresh=False, transient=True) as live:
            while True:
                self._taken.append({name: node.taken for name, node in demo.witness.nodes.items()})
                live.update(self._picture(demo), refresh=True)
                await asyncio.sleep(1 / LOOKS_PER_S)

    async def _tell(self, demo: Demo) -> None:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            if demo.started is not None:
                self.say(_counts(demo))

    def _picture(self, demo: Demo) -> RenderableType:
        if demo.started is None:
            return Text("       the workers start ...", "dim")
        links = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("site", "SMSC"):
            links.add_column(title)
        for title in ("binds", "sent", "per second"):
            links.add_column(title, justify="right")
        for name, node in demo.witness.nodes.items():
            state = str(len(node.binds)) if node.listening else "gone"
            pace = node.taken - self._taken[0].get(name, 0)
            style = "red" if not node.listening else "" if len(node.binds) == demo.plan.workers else "yellow"
            links.add_row(node.site, name, state, f"{node.taken:,}", f"{pace:,}", style=style)
        bar = Table.grid(padding=(0, 2))
        seconds = min(demo.elapsed_s, demo.plan.seconds)
        bar.add_row(
            _clock(demo.elapsed_s),
            ProgressBar(total=demo.plan.seconds, completed=seconds, width=40),
            demo.phase,
        )
        return Padding(Group(bar, Text(), links, Text(), Text(_counts(demo))), (1, 0, 0, 7))

    def verdict(self, verdict: Verdict, plan: Plan) -> None:
        """The table, and the sentence under it."""
        if self._as_json:
            click.echo(orjson.dumps({**_summary(verdict), "seed": plan.seed}))
            return
        self._result.print(_table(verdict))
        for complaint in verdict.audit.complaints:
            self._result.print(Text(f"  {complaint}", "red"), soft_wrap=True)
        colour = "green" if verdict.audit.passed else "red"
        self._result.print(Text(f"  {sentence(verdict)}\n", f"bold {colour}"), soft_wrap=True)

    def invite(self, demo: Demo) -> None:
        """What to try while it stays."""
        stage = demo.stage
        config, bridge = stage.config_of(1), _program()
        tell = (lambda line: click.echo(line, err=True)) if self._as_json else click.echo
        tell("It goes on running. In another terminal:\n")
        for command in (
            f"{bridge} send -c {config} --to +447700900123 --text Hello",
            f"{bridge} tail -c {config} --full",
            f"{bridge} check -c {config}",
            f"""echo '{{"do": "kill", "site": "bos"}}' | nc -N localhost {stage.control_port}     (then: start)""",
        ):
            tell(f"  {command}")
        tell("")
        for number, port in enumerate(stage.ops_ports, 1):
            tell(f"  worker {number}  http://127.0.0.1:{port}/api/state  (also /metrics)")
        tell(f"  RabbitMQ  {place_of(stage.servers.amqp_url)}, names begin with {stage.names.prefix}")
        tell(f"  Redis     {urlsplit(stage.servers.redis_url).netloc.rpartition('@')[2]}, keys likewise")
        tell(f"  logs      {stage.directory}\n")
        tell("Ctrl-C ends it and removes everything.")


def _program() -> str:
    """How to call bridge from here."""
    if shutil.which("bridge"):
        return "bridge"
    script = Path(sys.executable).with_name("bridge")
    if not script.exists():
        return f"{sys.executable} -m bridge"
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)


def sentence(verdict: Verdict) -> str:
    """The verdict in words."""
    audit = verdict.audit
    if not audit.passed:
        wrong = sum(_wrongs(audit).values())
        return f"FAILED: {wrong:,} {'thing' if wrong == 1 else 'things'} went wrong."
    match len(audit.doubled_marked):
        case 0:
            return "Nothing was lost, nothing was doubled."
        case 1:
            return "Nothing was lost. 1 message may have arrived twice, and says so."
        case several:
            return f"Nothing was lost. {several:,} messages may have arrived twice, and all say so."


def _table(verdict: Verdict) -> Table:
    table = Table(box=SIMPLE, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    for what, number, remark in _rows(verdict):
        table.add_row(what, f"{number:,}", remark)
    table.add_section()
    for what, number in _wrongs(verdict.audit).items():
        if number or what != OTHERWISE:
            table.add_row(what, f"{number:,}", style="bold red" if number else "bold green")
    return table


def _rows(verdict: Verdict) -> Iterator[tuple[str, int, str]]:
    audit = verdict.audit
    yield "MTs published", audit.published, f"confirmed by RabbitMQ; {verdict.twice:,} of them twice"
    for link, number in sorted(audit.per_link.items(), reverse=True):
        site, _, port = link.replace(":", " ").split()
        yield f"  sent over {site} :{port}", number, "says the SMSCs' journal"
    yield "MTs the provider took", audit.accepted, ""
    yield "  of several segments", audit.long, "each whole, under one reference"
    for outcome, number in audit.ended.items():
        yield f"MTs {outcome}", number, "an event says why"
    yield "delivery receipts", audit.receipts, "from the other site, where there was one"
    if audit.unmatched:
        yield "  of no known MT", audit.unmatched, "of copies whose answer was lost"
    yield "texts from phones", audit.mos, ""
    yield "  of several segments", audit.long_mos, "by different binds, joined"
    yield "duplicates suppressed", audit.suppressed, "MTs, receipts, texts that came in twice"
    if audit.repeated:
        yield "events published again", audit.repeated, "under an id that consumers know"
    yield "in doubt, sent again", verdict.resent, "each marked as a possible duplicate"
    yield "  arrived twice, marked", len(audit.doubled_marked), ""


def _wrongs(audit: Audit) -> dict[str, int]:
    """What must all be 0, in a reader's words."""
    wrongs = dict.fromkeys(WRONGS.values(), 0)
    for complaint in audit.complaints:
        wrongs[WRONGS[complaint.kind]] += len(complaint.about)
    return wrongs


def _summary(verdict: Verdict) -> dict[str, Any]:
    audit = verdict.audit
    lost, doubled, otherwise = _wrongs(audit).values()
    return {
        "passed": audit.passed,
        "published": audit.published,
        "published_twice": verdict.twice,
        "per_link": dict(audit.per_link),
        "accepted": audit.accepted,
        "long": audit.long,
        "ended": dict(audit.ended),
        "receipts": audit.receipts,
        "unmatched": audit.unmatched,
        "mos": audit.mos,
        "long_mos": audit.long_mos,
        "suppressed": audit.suppressed,
        "repeated": audit.repeated,
        "resent": verdict.resent,
        "doubled_marked": len(audit.doubled_marked),
        "lost": lost,
        "doubled": doubled,
        "otherwise_wrong": otherwise,
        "complaints": [{"what": c.what, "about": sorted(c.about)} for c in audit.complaints],
        "seconds": round(verdict.seconds, 1),
    }


def _counts(demo: Demo) -> str:
    witness = demo.witness
    parts = {
        "published": len(demo.producers.mt_by_text),
        "segments taken": sum(node.taken for node in witness.nodes.values()),
        "receipts": witness.counts["dr"],
        "from phones": witness.counts["mo"],
        "resent": len(witness.resent),
    }
    return " · ".join(f"{what} {number:,}" for what, number in parts.items())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
