"""What one kind of HTTP provider does its own way: its path, how it is asked, how it answers, what its callbacks say.

Pure. Sites, faults and the store of messages are the same for all kinds; numbers of states are those of SMPP 3.4,
5.2.28, whatever words the provider has for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.simulator.http.records import Answer, Asked, Attachment, Message


@dataclass(frozen=True, slots=True)
class Account:
    """Who may send."""

    login: str = "bridge"
    password: str = "secret"  # noqa: S105 - of a toy


class Style(Protocol):
    """One kind of provider, for one account."""

    throttled: int
    """The code that says: too fast."""
    duplicate: int | None
    """The code that says: had a message of this name; None where the client cannot name messages."""

    @property
    def path(self) -> str:
        """Where messages are posted."""
        ...

    def read(self, asked: Asked, number: int) -> Message:
        """The message, or its code says why it is none. `number` is new for each request. Never raises."""
        ...

    def answer(self, message: Message, code: int) -> Answer:
        """What a request with this outcome is answered."""
        ...

    def receipt(self, message: Message, state: int, code: int) -> Mapping[str, str]:
        """The fields of a receipt."""
        ...

    def mo_ident(self, number: int) -> str:
        """The name of an MO."""
        ...

    def mo(
        self, ident: str, text: str, source: str, destination: str, attachments: Sequence[Attachment]
    ) -> Mapping[str, str]:
        """The fields of an MO. Raises ValueError where this kind cannot say it."""
        ...
