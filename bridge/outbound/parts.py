"""The segments of one copy of a long MT: which of them its provider took, and which may be sent (again). Pure.

A *copy* is what one provider gets under one reference: a phone puts together only segments of one copy.

    fate of a segment   what is known of it                                          sent
    NONE                never written, or surely not taken                           yes
    WRITTEN             on its way; if nobody waits for its answer any more: doubt   not before that was told
    AGAIN               in doubt, and that was told (`resent`)                       yes, to the same provider
    its smsc_id         taken; empty where the provider gave no name                 never again in this copy

A copy is *begun* once its provider holds, or may hold, a segment of it. Then the rest of it can only go there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from bridge.model.outcome import (
    Accepted,
    Doubt,
    Duplicate,
    NotSent,
    Outcome,
    Rejected,
    RetryLater,
    Throttled,
)


class Fate(IntEnum):
    """Of a segment that is not known to be taken."""

    NONE = 0
    WRITTEN = 1
    AGAIN = 2


Segment = Fate | str
"""What became of a segment: its fate, or its smsc_id if it is taken."""

NOBODY = ""
"""In place of the provider of a copy that cannot be gone on with here."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One copy. `link`: that wrote of it last; `fingerprint`: how the MT was cut. Segments are numbered from 1."""

    provider: str
    link: str
    fingerprint: str
    segments: tuple[Segment, ...]

    @property
    def count(self) -> int:
        """Of how many segments."""
        return len(self.segments)

    @property
    def missing(self) -> list[int]:
        """Numbers of the segments that are to be sent."""
        return [number for number, fate in enumerate(self.segments, 1) if fate in (Fate.NONE, Fate.AGAIN)]

    @property
    def smsc_ids(self) -> tuple[str | None, ...]:
        """What the provider calls each; None where that is not known."""
        return tuple(fate or None if isinstance(fate, str) else None for fate in self.segments)

    @property
    def begun(self) -> bool:
        """Whether the provider holds, or may hold, a segment."""
        return any(fate is not Fate.NONE for fate in self.segments)

    @property
    def in_doubt(self) -> bool:
        """Whether a segment was written whose answer is not known."""
        return Fate.WRITTEN in self.segments

    @property
    def complete(self) -> bool:
        """Whether all are taken."""
        return all(isinstance(fate, str) for fate in self.segments)

    @property
    def abandoned(self) -> bool:
        """Whether it stands for one that was given up, and its place is not taken yet."""
        return self.provider == NOBODY and not self.begun

    def is_taken(self, number: int) -> bool:
        """Whether the provider said so of this one."""
        return isinstance(self.segments[number - 1], str)

    def cut_as(self, provider: str, fingerprint: str, count: int) -> bool:
        """Whether what this provider would get now are segments of this copy."""
        return (provider, fingerprint, count) == (self.provider, self.fingerprint, self.count)

    # What happens to it

    def written(self, numbers: Iterable[int], link: str) -> "Parts":
        """These leave over this link."""
        return replace(self._with(dict.fromkeys(numbers, Fate.WRITTEN)), link=link)

    def taken(self, number: int, smsc_id: str) -> "Parts":
        """The provider took it. The first answer counts: another one names a further copy of the segment."""
        return self if self.is_taken(number) else self._with({number: smsc_id})

    def returned(self, number: int, before: "Parts") -> "Parts":
        """Surely not taken this time: as it was before it was written."""
        return self if self.is_taken(number) else self._with({number: before.segments[number - 1]})

    def told(self) -> "Parts":
        """The doubt about what was written is told: it may be sent again."""
        doubtful = [number for number, fate in enumerate(self.segments, 1) if fate is Fate.WRITTEN]
        return self._with(dict.fromkeys(doubtful, Fate.AGAIN))

    def orphaned(self) -> "Parts":
        """Nobody here can go on with it."""
        return replace(self, provider=NOBODY)

    def given_up(self) -> "Parts":
        """What stands in its place until another is begun."""
        return unbegun(NOBODY, self.fingerprint, self.count)

    def _with(self, changed: Mapping[int, Segment]) -> "Parts":
        segments = [changed.get(number, fate) for number, fate in enumerate(self.segments, 1)]
        return replace(self, segments=tuple(segments))


def unbegun(provider: str, fingerprint: str, count: int) -> Parts:
    """A copy of which nothing is written yet."""
    return Parts(provider, "", fingerprint, (Fate.NONE,) * count)


_WEIGHT: dict[type[Outcome], int] = {
    Accepted: 0,
    Throttled: 1,
    NotSent: 2,
    RetryLater: 3,
    Doubt: 4,
    Duplicate: 4,
    Rejected: 5,
}


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """The one outcome of segments sent together: the worst. None that is not accepted: Accepted."""
    return max(outcomes, key=lambda outcome: _WEIGHT[type(outcome)], default=Accepted(""))
