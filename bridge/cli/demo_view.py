"""What `bridge demo` shows: what happens as it happens, a live picture on a terminal, and the verdict at the end."""

import asyncio
from collections import deque
from typing import Any

import click
import orjson
from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bridge.proof.audit import Audit
from bridge.proof.demo import Demo, Verdict

LOOKS_PER_S = 4
LINE_EVERY_S = 5.0
"""Where there is no terminal, the counts are a line so often."""


class View:
    """The demo on a terminal, or in a log. Progress goes to stderr, the verdict to stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = Console(stderr=True, highlight=False)
        self._result = Console(highlight=False)
        self._demo: Demo | None = None
        self._taken: deque[dict[str, int]] = deque(maxlen=LOOKS_PER_S + 1)

    def say(self, text: str) -> None:
        """Something happened."""
        clock = "" if self._demo is None or self._demo.started is None else _clock(self._demo.elapsed_s)
        colour = "red" if "killed" in text else "green" if "back" in text or "again" in text else ""
        self._progress.print(Text.assemble((f"{clock:>5}  ", "dim"), (text, colour)), soft_wrap=True)

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

    def verdict(self, demo: Demo, verdict: Verdict) -> None:
        """The table, and the sentence under it."""
        if self._as_json:
            click.echo(orjson.dumps(_summary(demo, verdict)))
            return
        self._result.print(_table(verdict))
        for complaint in verdict.audit.complaints:
            self._result.print(Text(f"  {complaint}", "red"))
        self._result.print(
            Text(f"  {sentence(verdict)}", "bold green" if verdict.audit.passed else "bold red")
        )
        self._result.print()

    def invite(self, demo: Demo) -> None:
        """What to try while it stays."""
        stage = demo.stage
        config = stage.config
        tell = (lambda line: click.echo(line, err=True)) if self._as_json else click.echo
        tell("It goes on running. In another terminal:\n")
        for command in (
            f"bridge send -c {config} --to +447700900123 --text Hello",
            f"bridge tail -c {config} --full",
            f"bridge check -c {config}",
            f"""echo '{{"do": "kill", "site": "bos"}}' | nc -N localhost {stage.control_port}""",
        ):
            tell(f"  {command}")
        tell("")
        for number in range(demo.plan.workers):
            tell(
                f"  worker {number + 1}  http://127.0.0.1:{stage.ops_port + number}/api/state  (also /metrics)"
            )
        tell(f"  RabbitMQ  {stage.servers.amqp_url}  (names begin with {stage.names.prefix})")
        tell(f"  Redis     {stage.servers.redis_url}")
        tell(f"  logs      {stage.directory}\n")
        tell("Ctrl-C ends it and removes everything.")


def sentence(verdict: Verdict) -> str:
    """The verdict in words."""
    audit = verdict.audit
    if not audit.passed:
        return f"FAILED: {sum(len(complaint.about) for complaint in audit.complaints)} things went wrong."
    again = len(audit.doubled_marked)
    doubles = (
        "Nothing was doubled"
        if not again
        else f"{again} {'message' if again == 1 else 'messages'} may have arrived twice, marked as possible duplicates"
    )
    return f"Nothing was lost. {doubles}."


def _table(verdict: Verdict) -> Table:
    audit = verdict.audit
    table = Table(
        box=SIMPLE, show_header=False, title="What became of it", title_justify="left", title_style="bold"
    )
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for what, number, remark in _rows(verdict):
        table.add_row(what, f"{number:,}", remark)
    table.add_section()
    for what, number in _wrongs(audit).items():
        table.add_row(what, f"{number:,}", "", style="bold red" if number else "bold green")
    return table


def _rows(verdict: Verdict) -> list[tuple[str, int, str]]:
    audit = verdict.audit
    return [
        ("MTs published", audit.published, "confirmed by RabbitMQ"),
        *(
            (f"  submitted over {link}", number, "as the SMSC's journal says")
            for link, number in sorted(audit.per_link.items(), reverse=True)
        ),
        ("MTs taken by the provider", audit.accepted, "each counted once"),
        *((f"  {outcome}", number, "") for outcome, number in audit.ended.items()),
        ("delivery receipts", audit.receipts, "each counted once, from either site"),
        *(
            [("  of no MT known", audit.unmatched, "of a copy whose answer was lost")]
            if audit.unmatched
            else []
        ),
        ("messages from phones", audit.mos, "each counted once"),
        (
            "duplicates suppressed",
            audit.suppressed,
            f"MTs published twice ({verdict.twice}), receipts and MOs sent twice",
        ),
        *([("events published again", audit.repeated, "under the same id")] if audit.repeated else []),
        ("in doubt, sent again", verdict.resent, "every event of theirs says possible_duplicate"),
        ("  arrived twice, and marked", len(audit.doubled_marked), ""),
    ]


def _wrongs(audit: Audit) -> dict[str, int]:
    """What must all be 0, in a reader's words."""
    wrongs = dict.fromkeys(("lost", "doubled without a mark", "wrong in another way"), 0)
    for complaint in audit.complaints:
        lost, doubled, _ = wrongs
        kind = lost if "lost" in complaint.what else doubled if "doubled" in complaint.what else _
        wrongs[kind] += len(complaint.about)
    return wrongs


def _summary(demo: Demo, verdict: Verdict) -> dict[str, Any]:
    audit = verdict.audit
    lost, doubled, otherwise = _wrongs(audit).values()
    return {
        "passed": audit.passed,
        "published": audit.published,
        "published_twice": verdict.twice,
        "per_link": dict(audit.per_link),
        "accepted": audit.accepted,
        "ended": dict(audit.ended),
        "receipts": audit.receipts,
        "unmatched": audit.unmatched,
        "mos": audit.mos,
        "suppressed": audit.suppressed,
        "repeated": audit.repeated,
        "resent": verdict.resent,
        "doubled_marked": len(audit.doubled_marked),
        "lost": lost,
        "doubled": doubled,
        "otherwise_wrong": otherwise,
        "complaints": [{"what": c.what, "about": sorted(c.about)} for c in audit.complaints],
        "seconds": round(verdict.seconds, 1),
        "seed": demo.plan.seed,
        "names": demo.stage.names.prefix,
    }


def _counts(demo: Demo) -> str:
    witness = demo.witness
    parts = {
        "published": len(demo.producers.mt_by_text),
        "taken": sum(node.taken for node in witness.nodes.values()),
        "receipts": witness.counts["dr"],
        "from phones": witness.counts["mo"],
        "sent again in doubt": len(witness.resent),
    }
    return " · ".join(f"{what} {number:,}" for what, number in parts.items())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
