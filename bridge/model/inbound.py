"""What comes back: MOs (messages from phones) and DRs (delivery receipts), normalised, whatever brought them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

DrState = Literal[
    "enroute",
    "delivered",
    "expired",
    "deleted",
    "undeliverable",
    "accepted",
    "unknown",
    "rejected",
    "skipped",
]

FINAL_STATES: frozenset[DrState] = frozenset(
    {"delivered", "expired", "deleted", "undeliverable", "rejected", "skipped"}
)
"""States nothing follows. `accepted` and `unknown` depend on the provider: its `final_states` adds them."""

FAILURE_STATES: frozenset[DrState] = frozenset({"expired", "deleted", "undeliverable", "rejected", "skipped"})
"""Final states in which the phone did not get it."""

Raw = Mapping[str, Any]
"""As it came, for the event's `raw`: of a PDU data_coding, esm_class, short_message (hex), tlvs (hex by tag); of an
HTTP callback its `fields`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Application ports, of a UDH (3GPP TS 23.040, 9.2.3.24.3 and .4) or of TLVs (SMPP 3.4, 5.3.2.20 and .21)."""

    dst: int
    src: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat:
    """Which segment of a long message this is. `ref` is unique only per sender, destination and total."""

    ref: int
    total: int
    seq: int


class Shifts(NamedTuple):
    """The national language tables of GSM text, by number (3GPP TS 23.038, 6.2.1.2.4); 0: the basic ones."""

    locking: int = 0
    single: int = 0


NO_SHIFTS = Shifts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mo:
    """A message from a phone, whole. `id` only where the provider gives one; one of `text` and `data` is set.

    `identity` is the octets that make this MO this MO when it carries no id: its whole content as received.
    `segments`: of how many it was made by the phone; not `complete`: some of them never came.
    """

    id: str | None
    from_: str
    to: str
    text: str | None
    data: bytes | None
    encoding: str
    identity: bytes
    segments: int = 1
    complete: bool = True
    ports: Ports | None = None
    carrier: str | None = None
    media: tuple[Mapping[str, str], ...] = ()
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoSegment:
    """One segment of a long MO, as octets: only all of them together can be decoded.

    `octets` has no user data header, and one octet a septet where the account packs its septets. `data_coding`
    and `shifts` tell how to decode it; `identity` is its whole content as received.
    """

    from_: str
    to: str
    concat: Concat
    octets: bytes
    data_coding: int
    identity: bytes
    shifts: Shifts = NO_SHIFTS
    ports: Ports | None = None
    raw: Raw = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)  # not frozen: one a receipt, and making it takes three times as long
class Dr:
    """A delivery receipt.

    `ids` are the provider's ids it names, the one to trust first (TLV before text), without doubles;
    `from_` is who the receipt speaks of (the handset), `to` our number, both as in the PDU, None where it names none;
    dates are ISO 8601 to the precision written. `final` already respects the provider's `final_states`.
    """

    ids: tuple[str, ...]
    state: DrState | None
    final: bool
    error: str | None
    network_error: str | None
    submitted_at: str | None
    done_at: str | None
    to: str | None
    from_: str | None
    text: str | None
    identity: bytes
    raw: Raw = field(default_factory=dict)


Inbound = Mo | MoSegment | Dr
