"""What inbound needs of the floor below, as small protocols; `app.py` hands in the real ones."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from bridge.broker.message import Outgoing
from bridge.model.events import Origin
from bridge.store.correlation import Correlation
from bridge.store.receipts import MessageClaim, Overdue, Question, ReceiptClaim
from bridge.store.segments import Due, SetClaim

Answer = Callable[[bool], None]
"""True: safe, the provider may forget it. False: keep it and send it again."""


Resolve = Callable[[Correlation, Origin, Callable[[], None]], None]
"""Told that a receipt speaks of an MT whose answer is not known, and what to call when all is safe that follows."""


class LinkPort(Protocol):
    """Whence it came. `site`: None where it does not say."""

    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def site(self) -> str | None: ...
    @property
    def via(self) -> Literal["smpp", "http"]: ...


class ReceiptsPort(Protocol):
    """The claims of MOs and DRs, and the correlation of DRs, in Redis. `done` is called once, never in the call."""

    def receipt(
        self,
        key: bytes,
        owner: str,
        event_id: str,
        question: Question,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None: ...
    def message(
        self, key: bytes, owner: str, event_id: str, done: Callable[[MessageClaim | None], None]
    ) -> None: ...
    def lookup(self, key: bytes, question: Question, done: Callable[[ReceiptClaim | None], None]) -> None: ...
    def commit(
        self,
        key: bytes,
        epoch: int,
        ttl_ms: int | None,
        done: Callable[[], None],
        *,
        due: bytes = b"",
        held: bytes = b"",
    ) -> None: ...
    def waiting(self, key: bytes, event_id: str, done: Callable[[], None]) -> None: ...
    def abandon(
        self, key: bytes, epoch: int, owner: str, done: Callable[[], None], *, held: bytes = b""
    ) -> None: ...
    def unmatched(
        self,
        key: bytes,
        question: Question,
        body: bytes,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None: ...


class ReceiptsDuePort(Protocol):
    """The MTs whose receipts did not all come in time."""

    def overdue(self, limit: int, lease_ms: int, done: Callable[[list[Overdue] | None], None]) -> None: ...
    def settled(self, due: bytes, done: Callable[[], None]) -> None: ...


class PublishedSegmentsPort(Protocol):
    """The long MOs that are published."""

    def published(self, set_key: bytes, event_id: str, keep_ms: int, done: Callable[[], None]) -> None: ...


class SegmentsPort(PublishedSegmentsPort, Protocol):
    """The segments of long MOs, as far as they have come."""

    def add(
        self,
        set_key: bytes,
        number: int,
        total: int,
        tag: bytes,
        body: bytes,
        event_id: str,
        owner: str,
        wait_ms: int,
        keep_ms: int,
        done: Callable[[SetClaim | None], None],
    ) -> None: ...
    def abandon(self, set_key: bytes, owner: str, done: Callable[[], None]) -> None: ...


class SegmentsDuePort(PublishedSegmentsPort, Protocol):
    """The long MOs of which segments did not come in time, or which nobody published."""

    def overdue(
        self, limit: int, lease_ms: int, owner: str, done: Callable[[list[Due] | None], None]
    ) -> None: ...


class OutboxPort(Protocol):
    """Publishing that repeats itself until the broker has confirmed."""

    def send(self, message: Outgoing, then: Callable[[], None]) -> None: ...
    def send_all(self, messages: Sequence[Outgoing], then: Callable[[], None]) -> None: ...
