"""What `bridge send` shows: a line for each step of one MT; of many, progress and a summary; JSON for scripts."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import click
import orjson
from rich.console import Console

from bridge.broker.message import Confirmation
from bridge.cli.heard import Heard, line
from bridge.cli.lives import Life, Lives

EXAMPLES = 5
"""How many MTs that did not go well are named in a summary."""
UPDATE_S = 0.1
"""Between two looks of the progress."""

_ANSWERS = {
    Confirmation.CONFIRMED: ("stored", "green", "RabbitMQ confirmed it"),
    Confirmation.REFUSED: (
        "not stored",
        "red",
        "RabbitMQ refused it: no queue takes it, or the queue is full",
    ),
    Confirmation.UNKNOWN: (
        "unconfirmed",
        "yellow",
        "RabbitMQ did not confirm it, so perhaps it has it; the same --id may be sent again",
    ),
}


class Report:
    """A context manager while things happen; `close` afterwards tells how it ended."""

    def __init__(self, lives: Lives, *, as_json: bool, many: bool) -> None:
        self._lives = lives
        self._as_json = as_json
        self._many = many
        self._next_update = 0.0
        self._status = Console(stderr=True).status("connecting to RabbitMQ ...")

    def __enter__(self) -> Self:
        if self._many:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._many:
            self._status.stop()

    def published(self, life: Life, routing_key: str) -> None:
        """It is on its way to RabbitMQ."""
        self._step(life, life.published, "published", None, f"{life.id} to {routing_key}")

    def answered(self, life: Life, confirmation: Confirmation, now: float) -> None:
        """RabbitMQ answered, or did not."""
        word, colour, text = _ANSWERS[confirmation]
        self._step(life, now, word, colour, text)

    def heard(self, life: Life, heard: Heard, now: float) -> None:
        """An event of it."""
        if self._as_json:
            self._json(life, now, event=dict(heard.body))
        elif self._many:
            self._progress()
        else:
            click.echo(f"{_after(life, now)}  {line(heard)}")

    def close(self, trouble: str | None) -> None:
        """How it ended. `trouble`: why nothing more will be heard, for MTs without a last word."""
        if self._as_json:
            click.echo(orjson.dumps({"summary": self._summary(trouble)}))
        elif self._many:
            self._tell_many(trouble)
        else:
            self._tell_one(trouble)

    def _step(self, life: Life, now: float, word: str, colour: str | None, text: str) -> None:
        if self._as_json:
            self._json(life, now, step=word)
        elif self._many:
            self._progress()
        else:
            click.echo(f"{_after(life, now)}  {'':<4} {click.style(f'{word:<13}', fg=colour)} {text}")

    def _json(self, life: Life, now: float, **what: Any) -> None:
        click.echo(orjson.dumps({"id": life.id, "after_s": round(now - life.published, 3), **what}))

    def _progress(self) -> None:
        now = time.monotonic()
        if now < self._next_update:
            return
        self._next_update = now + UPDATE_S
        words = ", ".join(f"{word} {number}" for word, number in self._lives.words.most_common() if number)
        self._status.update(f"{len(self._lives)} published: {words}")

    def _tell_one(self, trouble: str | None) -> None:
        life = next(iter(self._lives.all), None)
        if life is not None and life.ended_s is not None:
            return
        last = life.last if life else "nothing was published"
        hint = "; does a worker run (bridge run), with a link up (bridge check)?" if last == "stored" else ""
        click.echo(f"no end known: {trouble}; last: {last}{hint}", err=True)

    def _tell_many(self, trouble: str | None) -> None:
        lives = self._lives
        click.echo(f"{len(lives)} published, {lives.stored} of them stored by RabbitMQ")
        groups: dict[tuple[bool, bool, str], list[Life]] = {}
        for life in lives.all:
            groups.setdefault((not life.well, life.ended_s is None, life.last), []).append(life)
        for (bad, is_open, word), members in sorted(groups.items()):
            detail = _named(members) if bad else _within(members)
            unsaid = "last heard of " if is_open else ""
            click.echo(f"  {word:<13} {len(members):>8}  {unsaid}{detail}")
        if doubts := sum(life.doubts > 0 for life in lives.all):
            click.echo(f"  {doubts} were sent again in doubt: they may arrive twice")
        if trouble is not None:
            click.echo(
                f"no end known of {sum(life.ended_s is None for life in lives.all)}: {trouble}", err=True
            )

    def _summary(self, trouble: str | None) -> dict[str, Any]:
        lives = self._lives.all
        return {
            "well": self._lives.well,
            "published": len(lives),
            "stored": self._lives.stored,
            "ended": Counter(life.last for life in lives if life.ended_s is not None),
            "open": Counter(life.last for life in lives if life.ended_s is None),
            "resent": sum(life.doubts > 0 for life in lives),
            "seconds": _seconds([life for life in lives if life.well]),
            "trouble": trouble,
        }


def _after(life: Life, now: float) -> str:
    return f"{now - life.published:8.3f} s"


def _seconds(lives: Sequence[Life]) -> dict[str, float] | None:
    """From publishing to the last word: of half of them, of 95 %, of all."""
    spans = sorted(life.ended_s for life in lives if life.ended_s is not None)
    if not spans:
        return None
    shares = {"half": 0.5, "most": 0.95, "all": 1.0}
    return {name: round(spans[math.ceil(share * len(spans)) - 1], 3) for name, share in shares.items()}


def _within(lives: Sequence[Life]) -> str:
    spans = _seconds(lives)
    assert spans is not None  # noqa: S101 - what is well has ended
    return f"half within {spans['half']} s, 95 % within {spans['most']} s, the last after {spans['all']} s"


def _named(lives: Sequence[Life]) -> str:
    names = ", ".join(life.id for life in lives[:EXAMPLES])
    return f"{names}, ..." if len(lives) > EXAMPLES else names
