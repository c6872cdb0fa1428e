"""What inbound needs of the floor below, as small protocols; `app.py` hands in the real ones."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from bridge.broker.message import Confirmation, Outgoing
from bridge.store.receipts import MessageClaim, ReceiptClaim

Answer = Callable[[bool], None]
"""True: safe, the provider may forget it. False: keep it and send it again."""


class LinkPort(Protocol):
    """Whence it came."""

    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def via(self) -> Literal["smpp", "http"]: ...


class ReceiptsPort(Protocol):
    """The claims of MOs and DRs, and the correlation of DRs, in Redis. `done` is called once, never in the call."""

    def receipt(
        self,
        key: bytes,
        owner: str,
        event_id: str,
        provider: str,
        ids: Sequence[str],
        addresses: tuple[str, str],
        final: bool,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None: ...
    def message(
        self, key: bytes, owner: str, event_id: str, done: Callable[[MessageClaim | None], None]
    ) -> None: ...
    def lookup(
        self,
        key: bytes,
        provider: str,
        ids: Sequence[str],
        addresses: tuple[str, str],
        final: bool,
        done: Callable[[ReceiptClaim | None], None],
    ) -> None: ...
    def commit(
        self, key: bytes, epoch: int, event_id: str, ttl_ms: int | None, done: Callable[[], None]
    ) -> None: ...
    def waiting(self, key: bytes, event_id: str, done: Callable[[], None]) -> None: ...
    def abandon(self, key: bytes, epoch: int, owner: str, done: Callable[[], None]) -> None: ...
    def unmatched(
        self,
        key: bytes,
        provider: str,
        ids: Sequence[str],
        body: bytes,
        event_id: str,
        done: Callable[[ReceiptClaim | None], None],
        *,
        addresses: tuple[str, str],
        final: bool,
    ) -> None: ...


class PublisherPort(Protocol):
    """One try to publish; what was not confirmed may be stored all the same."""

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None: ...


class OutboxPort(Protocol):
    """Publishing that repeats itself until the broker has confirmed."""

    def send(self, message: Outgoing, then: Callable[[], None]) -> None: ...
    def send_all(self, messages: Sequence[Outgoing], then: Callable[[], None]) -> None: ...
