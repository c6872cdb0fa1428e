"""What outbound needs of the floor below, as small protocols; `app.py` hands in the real ones."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from bridge.broker.message import Outgoing
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.model.web import HttpRequest
from bridge.store.claims import Claim, Recorded
from bridge.store.correlation import Correlation

Body = bytes | HttpRequest
"""What a link writes at once: of a bind the body of a PDU, of an endpoint a request."""


class LongBody(Protocol):
    """An MT that leaves as several PDUs, its segments.

    `count`: how many, at least 2. `fingerprint`: how it was cut; who cuts it otherwise cannot send the rest of it.
    `counter`: sender and destination, between which no two long MTs in flight may have one reference.
    """

    @property
    def count(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def counter(self) -> str: ...

    def body(self, number: int, reference: int) -> bytes:
        """Segment `number`, from 1; `reference` is what all segments of one copy have in common."""
        ...


class LinkPort(Protocol):
    """Anything an MT can leave through. `active` is the contract's *up*, throttling aside; `free` counts slots.

    `rank`: 0, or of an endpoint that stands in for others of its provider, when those of lower rank fail, its place
    among them. `sound`: not on trial, so that none has to stand in. `resubmit_s`: an MT that it failed comes again
    after so long; None: it need not.
    """

    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def via(self) -> Literal["smpp", "http"]: ...
    @property
    def window(self) -> int: ...
    @property
    def active(self) -> bool: ...
    @property
    def free(self) -> int: ...
    @property
    def lease_s(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def sound(self) -> bool: ...
    @property
    def resubmit_s(self) -> float | None: ...

    def carries(self, mt: Mt, /) -> bool:
        """Whether it has words for this kind of MT: media, octets, TLVs. All have for text."""
        ...

    def known_as(self, mt_key: str, /) -> str | None:
        """What receipts will call the MT, where that is known without an answer."""
        ...

    def prepare(self, mt: Mt, mt_key: str, from_: str, now_epoch: float, /) -> Body | LongBody | Rejected:
        """The MT in this link's words, or why this provider can never carry it."""
        ...

    def submit(self, body: Any, ref: object, failures: int = 0, /) -> bool:
        """Write what it prepared. False: surely not sent. True: `attempt_ended` follows exactly once with this `ref`.

        `failures`: how often endpoints of this provider have failed it, one after another.
        """
        ...


class ClaimsPort(Protocol):
    """The claims of MTs in Redis. Each `done` is called exactly once, never inside the call."""

    def claim(
        self,
        mt_key: str,
        owner: str,
        lease_ms: int,
        done: Callable[[Claim | None], None],
        *,
        takeover: bool = False,
        seen: str = "",
        redelivered: bool = False,
        counter: str = "",
        reference: int = 0,
        state: str = "",
    ) -> None: ...
    def leave(
        self, mt_key: str, owner: str, reference: int, state: str, done: Callable[[], None]
    ) -> None: ...
    def answered(
        self,
        mt_key: str,
        owner: str,
        info: str,
        entry: Correlation,
        done: Callable[[Recorded], None],
        *,
        overdue_ms: int = 0,
    ) -> None: ...
    def part_answered(
        self,
        mt_key: str,
        owner: str,
        reference: int,
        state: str,
        info: str,
        entry: Correlation,
        done: Callable[[Recorded], None],
        *,
        overdue_ms: int = 0,
    ) -> None: ...
    def expected(self, mt_key: str, entry: Correlation, done: Callable[[Recorded], None]) -> None: ...
    def retire(self, mt_key: str, done: Callable[[], None]) -> None: ...
    def finish(self, mt_key: str, owner: str, info: str, done: Callable[[bool], None]) -> None: ...
    def amend(self, mt_key: str, old: str, new: str, done: Callable[[bool], None]) -> None: ...
    def release(self, mt_key: str, owner: str, done: Callable[[], None]) -> None: ...


class OutboxPort(Protocol):
    """Publishing that repeats itself until the broker has confirmed."""

    def send_all(self, messages: Sequence[Outgoing], then: Callable[[], None]) -> None: ...
