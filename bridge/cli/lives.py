"""What is known of the MTs that one `bridge send` published: from RabbitMQ's answer to the last word on each.

The last word is a final receipt that speaks of the whole MT, or an outcome that ends it. Pure: `now` is an argument.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from bridge.broker.message import Confirmation
from bridge.cli.heard import Heard

BAD_OUTCOMES = frozenset({"rejected", "failed", "parked", "invalid", "expired"})


class Goal(Enum):
    """What has to be heard of an MT before it is well."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    """No receipt was asked for, and the route tells what providers accepted."""
    STORED = "stored"
    """Neither will be heard: RabbitMQ's confirm is the last good news there is."""


@dataclass(slots=True)
class Life:
    """One MT. `last`: the newest word on it; `ended_s`: when the last word came, in seconds since publishing."""

    id: str
    published: float
    last: str = "published"
    ended_s: float | None = None
    well: bool = False
    doubts: int = 0
    events: set[str] = field(default_factory=set)


class Lives:
    """All MTs of one run. `on_finished` is called once, when the last of `expected` has ended."""

    def __init__(self, goal: Goal, expected: int, on_finished: Callable[[], None]) -> None:
        self._goal = goal
        self._expected = expected
        self._on_finished = on_finished
        self._ended = 0
        self._by_id: dict[str, Life] = {}
        self.stored = 0
        self.words: Counter[str] = Counter()
        """How many MTs have which newest word."""

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def all(self) -> list[Life]:
        """In the order they were published."""
        return list(self._by_id.values())

    @property
    def finished(self) -> bool:
        """Whether the last word on each was heard."""
        return self._ended == self._expected

    @property
    def well(self) -> bool:
        """Whether each reached what was hoped for."""
        return self.finished and all(life.well for life in self._by_id.values())

    def publish(self, mt_id: str, now: float) -> Life:
        """It is being published."""
        life = self._by_id[mt_id] = Life(mt_id, now)
        self.words[life.last] += 1
        return life

    def answered(self, life: Life, confirmation: Confirmation, now: float) -> None:
        """RabbitMQ answered, or did not."""
        if confirmation is Confirmation.CONFIRMED:
            self.stored += 1
            self._note(life, "stored", now, ends=self._goal is Goal.STORED, well=True)
        elif confirmation is Confirmation.REFUSED:
            self._note(life, "not stored", now, ends=True)
        else:
            self._note(life, "unconfirmed", now)

    def hear(self, heard: Heard, now: float) -> Life | None:
        """An event; the MT it speaks of, or None where that is none of ours, or the event came before."""
        life = self._by_id.get(heard.message_id or "")
        if life is None or heard.kind not in ("mt", "dr"):
            return None
        if heard.event_id is not None:
            if heard.event_id in life.events:
                return None
            life.events.add(heard.event_id)
        if heard.kind == "dr":
            self._note(life, heard.word, now, ends=_is_last_receipt(heard), well=heard.word == "delivered")
            return life
        if heard.word == "resent":
            life.doubts += 1
        accepted = heard.word == "accepted" and self._goal is Goal.ACCEPTED
        self._note(life, heard.word, now, ends=accepted or heard.word in BAD_OUTCOMES, well=accepted)
        return life

    def _note(self, life: Life, word: str, now: float, *, ends: bool = False, well: bool = False) -> None:
        """The confirm may come after the first events; nothing is heard after the last word."""
        if life.ended_s is not None or (word == "stored" and life.last != "published" and not ends):
            return
        self.words[life.last] -= 1
        self.words[word] += 1
        life.last = word
        if ends:
            life.ended_s = now - life.published
            life.well = well
            self._ended += 1
            if self.finished:
                self._on_finished()


def _is_last_receipt(heard: Heard) -> bool:
    body = heard.body
    whole = body.get("joined") is True or not body.get("segment")
    return body.get("final") is True and body.get("stale") is not True and whole
