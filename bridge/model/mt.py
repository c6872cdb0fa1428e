"""An MT: one message from an application to a phone, as the contract's body says it (`schemas/mt.v1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Encoding = Literal["auto", "gsm", "latin1", "ucs2", "utf8", "ascii", "binary"]
ReceiptMode = Literal["final", "all", "none"]
DoubtPolicy = Literal["resend", "park"]

PRIORITIES = ("bulk_low", "bulk", "interactive_low", "interactive")
"""The contract's words for `priority`; the index is SMPP's priority_flag 0-3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mt:
    """A validated MT.

    `data` and `udh` are octets already decoded from Base64 and hex; `expires_at` is seconds since the epoch;
    `priority` is SMPP's priority_flag; `media` holds the MMS parts as they came.
    """

    id: str
    to: str
    from_: str | None = None
    text: str | None = None
    data: bytes | None = None
    udh: bytes | None = None
    media: tuple[Mapping[str, str], ...] = ()
    encoding: Encoding = "auto"
    receipt: ReceiptMode = "final"
    expires_at: float | None = None
    priority: int = 1
    on_doubt: DoubtPolicy | None = None
    carrier: str | None = None
    app_id: str | None = None
    conversation_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    tlvs: tuple[tuple[int, bytes], ...] = ()
