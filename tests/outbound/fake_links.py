"""Links that do what they are told, and what the providers behind them saw."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

from bridge.model.mt import Mt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.flight import Flight, SegmentRef
from bridge.outbound.ports import LongBody


@dataclass(eq=False, slots=True)
class Submit:
    """What a provider saw: an MT, or segment `number` of `of` of a copy. Lost: nobody knows whether it was taken."""

    ref: Flight | SegmentRef
    provider: str
    fate: Literal["open", "taken", "refused", "lost"] = "open"

    @property
    def flight(self) -> Flight:
        return self.ref if isinstance(self.ref, Flight) else self.ref.flight

    @property
    def number(self) -> int:
        return 1 if isinstance(self.ref, Flight) else self.ref.number

    @property
    def of(self) -> int:
        return 1 if isinstance(self.ref, Flight) else self.ref.count

    @property
    def copy(self) -> Hashable:
        """Which a phone can tell apart: of one segment each is a copy."""
        return id(self) if isinstance(self.ref, Flight) else (self.provider, self.ref.reference)


@dataclass(frozen=True)
class Segments:
    """An MT in several segments, as one provider cuts it."""

    mt_id: str
    count: int
    fingerprint: str
    counter: str = "12345>447700900123"

    def body(self, number: int, reference: int) -> bytes:
        return f"{number}/{self.count} of {reference}: {self.mt_id}".encode()


class Link:
    """A bind that does what it is told."""

    site = "s"
    lease_s = 40.0
    sound = True

    def __init__(
        self,
        submitted: Callable[[Submit], None],
        provider: str,
        name: str,
        window: int,
        cut: str = "",
        *,
        via: Literal["smpp", "http"] = "smpp",
        rank: int = 0,
        resubmit_s: float | None = None,
        wordless: tuple[str, ...] = (),
        had: set[str] | None = None,
    ) -> None:
        """`submitted` is told of each submit before it leaves; `cut`: how the worker cuts long MTs.

        `wordless`: fields of an MT that it does not carry. Over HTTP a provider calls an MT by its key, and `had`
        are those that it has.
        """
        self._submitted = submitted
        self._cut = cut
        self.provider, self.name, self.window = provider, name, window
        self.via, self.rank, self.resubmit_s, self._wordless = via, rank, resubmit_s, wordless
        self._had = had if had is not None else set()
        self.failures_of: dict[Submit, int] = {}
        """With each submit: how often its provider's endpoints had failed the message before."""
        self.active = False
        self.full = False
        """Whether it takes nothing more although it is up."""
        self.open: list[Submit] = []
        self.given_up: list[Submit] = []
        self.dispatcher: Dispatcher

    @property
    def free(self) -> int:
        return self.window - len(self.open) if self.active and not self.full else 0

    def carries(self, mt: Mt) -> bool:
        return not any(getattr(mt, field) for field in self._wordless)

    def known_as(self, mt_key: str) -> str | None:
        return mt_key if self.via == "http" else None

    def prepare(self, mt: Mt, _mt_key: str, from_: str, now_epoch: float) -> bytes | LongBody | Rejected:
        """The text is the provider that cannot say it, or tells of how many segments it is at each."""
        if mt.text == self.provider:
            return Rejected(None, "not in this provider's words")
        counts = dict(part.split("=") for part in (mt.text or "").split(",") if "=" in part)
        count = int(counts.get(self.provider, 1))
        if count > 1:
            return Segments(mt.id, count, self._cut + self.provider)
        return f"{from_} {now_epoch} {mt.id}".encode()

    def submit(self, body: bytes, ref: object, failures: int = 0) -> bool:
        assert isinstance(ref, Flight | SegmentRef)
        submit = Submit(ref, self.provider)
        if isinstance(ref, SegmentRef):
            assert body.startswith(f"{ref.number}/{ref.count} of {ref.reference}:".encode())
        assert body.endswith(submit.flight.mt.id.encode())
        if self.free <= 0:
            return False
        self._submitted(submit)
        self.failures_of[submit] = failures
        self.open.append(submit)
        return True

    def answer(self, index: int, outcome: Outcome) -> None:
        """The end of one of its submits."""
        submit = self.open.pop(index % len(self.open))
        if self.via == "http" and isinstance(outcome, Accepted):
            name = submit.flight.mt_key
            outcome = Duplicate(name, 7, "duplicate") if name in self._had else Accepted(name)
            self._had.add(name)
        submit.fate = (
            "taken" if isinstance(outcome, Accepted) else "lost" if isinstance(outcome, Doubt) else "refused"
        )
        if submit.fate == "lost":
            self.given_up.append(submit)
        self.dispatcher.attempt_ended(self, submit.ref, outcome)

    def fail(self, index: int, *, written: bool, taken: bool = False) -> None:
        """The site fails one of its submits, `written` or not; what is written it may have `taken` all the same."""
        submit = self.open.pop(index % len(self.open))
        again = self.failures_of.pop(submit) > 0
        submit.fate = "refused"
        outcome: Outcome = NotSent("connection refused", link_failed=True)
        if written:
            outcome = Doubt("no answer within 30 s", link_failed=True)
            submit.fate = "lost"
            if taken and submit.flight.mt_key not in self._had:
                self._had.add(submit.flight.mt_key)
                submit.fate = "taken"
        self.active = self.active and not again
        self.dispatcher.attempt_ended(self, submit.ref, outcome)
        self.dispatcher.link_changed(self)

    def answer_late(self, index: int, outcome: Outcome) -> None:
        submit = self.given_up.pop(index % len(self.given_up))
        submit.fate = "taken" if isinstance(outcome, Accepted) else "refused"
        self.dispatcher.answered_late(self, submit.ref, outcome)

    def up(self) -> None:
        self.active = True
        self.full = False
        self.dispatcher.link_changed(self)

    def down(self, written: bool = True) -> None:
        self.active = False
        while self.open:
            self.answer(0, Doubt("link lost") if written else NotSent("never written"))
        self.given_up.clear()
        self.dispatcher.link_changed(self)
