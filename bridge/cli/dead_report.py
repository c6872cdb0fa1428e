"""What `bridge dead` says while it works and at the end: lines for a person, or one JSON object for each message.

Under --json stdout has nothing but these objects; remarks and sums go to stderr then.
"""

from collections import Counter
from types import TracebackType
from typing import Any, Self

import click
import orjson
from rich.console import Console

from bridge.cli.dead_choice import Wanted
from bridge.cli.dead_desk import Desk
from bridge.cli.dead_letter import Letter
from bridge.cli.dead_show import counts, printable, word_of

_WHY = {
    "resolved": "a provider has it after all",
    "not known": "Redis cannot tell whether a provider has it after all",
    "invalid": "it was found invalid: correct it and publish it anew, or --force with --to-route",
    "unknown route": "the configuration has no such route: --to-route gives it another",
    "refused": "RabbitMQ refused the copy: the route's queue is full, or gone",
    "not confirmed": "RabbitMQ did not confirm the copy in time; replayed again it is the same message",
}


class Report:
    """A context manager while things happen; `close` afterwards sums up. `wrong`: something had to be left."""

    def __init__(self, *, as_json: bool, sums: str | None = "") -> None:
        """`sums`: the verb of the sum at the end; empty: of what was found; None: no sum."""
        self.wrong = False
        self.unconfirmed = 0
        self._as_json = as_json
        self._sums = sums
        self._reasons: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._names: set[str] = set()
        self._status = Console(stderr=True).status("connecting to RabbitMQ ...")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    # While reading

    def read(self, desk: Desk) -> None:
        """So far."""
        self._status.update(f"{desk.read} of {desk.sweep.depth} messages read")

    def counts(self, letter: Letter) -> None:
        """This one is meant."""
        self._reasons[word_of(letter)] += 1
        self._names.update((letter.handle, letter.id or letter.handle))

    def looked(self, desk: Desk) -> None:
        """All is read; what comes next may wait for a person."""
        self._status.stop()
        for remark in desk.remarks:
            click.echo(remark, err=True)

    def number(self, meant: int) -> str:
        """So many of what was found, for a question."""
        return f"{meant} of {counts(self._reasons)}"

    # What became of each

    def went(self, done: int, total: int) -> None:
        """So many copies are answered."""
        self._status.start()
        self._status.update(f"{min(done, total)} of {total} published")

    def replayed(self, letter: Letter, key: str) -> None:
        """Its copy is confirmed."""
        self._done[letter.reason] += 1
        self._json(letter, result="replayed", routing_key=key, generation=letter.generation + 1)

    def would_go(self, letter: Letter, key: str) -> None:
        """It would be published."""
        self._done[letter.reason] += 1
        self._json(letter, result="would be replayed", routing_key=key, generation=letter.generation + 1)
        self._line(letter, f"to {key} as generation {letter.generation + 1}")

    def left(self, letter: Letter, word: str, *, wrong: bool) -> None:
        """It stays in the queue."""
        self.wrong |= wrong
        self.unconfirmed += word == "not confirmed"
        self._left[word] += 1
        self._json(letter, result="left", why=word)
        self._line(letter, f"left: {word}")

    def dropped(self, letter: Letter) -> None:
        """It is gone."""
        self._done[letter.reason] += 1
        self._json(letter, result="dropped")

    # The end

    def all_named(self, wanted: Wanted) -> bool:
        """Whether each message that was named is there; tells those that are not."""
        missing = sorted(wanted.names - self._names)
        for name in missing:
            click.echo(f"there is no message {printable(name)} that fits", err=True)
        return not missing

    def close(self, trouble: str = "") -> None:
        """The sum. `trouble`: what ended it early."""
        if trouble:
            click.echo(trouble, err=True)
        if self._sums is None:
            return
        if not self._sums:
            click.echo(counts(self._reasons), err=self._as_json)
            return
        click.echo(f"{self._sums} {counts(self._done)}", err=self._as_json)
        for word, number in self._left.most_common():
            click.echo(f"left {number} in the queue: {word}: {_WHY[word]}", err=self._as_json)

    def _json(self, letter: Letter, **what: Any) -> None:
        if self._as_json:
            click.echo(orjson.dumps({"id": letter.id, "handle": letter.handle, **what}))

    def _line(self, letter: Letter, what: str) -> None:
        if not self._as_json:
            click.echo(f"{printable(letter.name)}  {printable(what)}")
