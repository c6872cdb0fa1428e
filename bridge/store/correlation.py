"""What a receipt needs to know of its MT, as kept under the provider's id, and how numbers are compared.

Pure. The compact form has no field that the key tells already or that has its usual value: it is kept for days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from bridge.model.addresses import digits_of
from bridge.model.events import MtLink
from bridge.model.mt import ReceiptMode
from bridge.text.message_ids import canonical


@dataclass(slots=True, kw_only=True)  # not frozen: one a message, and making it takes three times as long
class Correlation:
    """The MT that `provider` named `smsc_id`. `to` and the last three as in its body.

    `segment`: which of how many, where only that segment of a long MT was named so. `unanswered`: the provider did not
    say that it has it, but would call it so; the route it was parked in, or nothing if it was not. None: it said so.
    """

    mt_id: str
    provider: str
    smsc_id: str
    to: str
    segment: tuple[int, int] | None = None
    generation: int = 0
    receipt: ReceiptMode = "final"
    possible_duplicate: bool = False
    unanswered: str | None = None
    app_id: str | None = None
    conversation_id: str | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def link(self) -> MtLink:
        """What the event of a receipt takes from its MT."""
        return MtLink(
            mt_id=self.mt_id,
            smsc_id=self.smsc_id,
            segment=self.segment,
            app_id=self.app_id,
            conversation_id=self.conversation_id,
            metadata=self.metadata,
            possible_duplicate=self.possible_duplicate,
        )


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Line:
    """A Correlation as it is kept: `digits` is the comparable address, `segment` n/of or nothing.

    `body`: of most MTs no more than their id (`lua/base.lua`), else JSON.
    """

    digits: str
    segment: str
    body: bytes


@lru_cache(maxsize=1024)
def comparable(address: str) -> str:
    """The address as receipts are compared by: digits, without the leading zeros in which spellings differ.

    Two addresses mean one phone when these are equal, or one ends in the other with at least seven digits.
    """
    bare = address.removeprefix("+")
    if not bare.isdigit():
        bare = digits_of(address).replace("|", "").replace("\n", "")
    return bare.lstrip("0")


def dump(entry: Correlation) -> Line:
    """The compact form; provider and `smsc_id` are left to the key, as far as it tells them."""
    digits = comparable(entry.to)
    segment = "{}/{}".format(*entry.segment) if entry.segment else ""
    return Line(digits, segment, _short_body(entry, digits) or _whole_body(entry, digits))


def _short_body(entry: Correlation, digits: str) -> bytes:
    """Of an MT of which there is no more to say than its id; nothing if there is."""
    plus = entry.to == f"+{digits}"
    if (
        (plus or entry.to == digits)
        and entry.receipt == "final"
        and entry.metadata is None
        and entry.app_id is None
        and entry.conversation_id is None
        and entry.unanswered is None
        and not entry.generation
        and entry.smsc_id == canonical(entry.smsc_id)
        and "\n" not in entry.mt_id
    ):
        doubled = "!" if entry.possible_duplicate else ""
        return f"{doubled}{'+' if plus else '='}{entry.mt_id}".encode()
    return b""


def _whole_body(entry: Correlation, digits: str) -> bytes:
    body: dict[str, Any] = {"mt": entry.mt_id}
    if entry.unanswered is not None:
        body["unanswered"] = entry.unanswered
    if entry.smsc_id != canonical(entry.smsc_id):
        body["id"] = entry.smsc_id
    if entry.to != digits:
        body["to"] = entry.to
    if entry.generation:
        body["generation"] = entry.generation
    if entry.receipt != "final":
        body["receipt"] = entry.receipt
    if entry.possible_duplicate:
        body["possible_duplicate"] = True
    if entry.app_id is not None:
        body["app_id"] = entry.app_id
    if entry.conversation_id is not None:
        body["conversation_id"] = entry.conversation_id
    if entry.metadata is not None:
        body["metadata"] = entry.metadata
    return orjson.dumps(body)


def load(name: bytes, digits: bytes, segment: bytes, body: bytes) -> Correlation:
    """The reverse of `dump`; `name` is the end of the key it was found under: `provider:canonical smsc_id`.

    What a newer version may have added is passed over.
    """
    provider, _, key_id = name.decode().partition(":")
    number, of = digits.decode(), _read_segment(segment) if segment else None
    short = body.removeprefix(b"!")
    if short.startswith((b"=", b"+")):
        return Correlation(
            mt_id=short[1:].decode(),
            provider=provider,
            smsc_id=key_id,
            to=number if short.startswith(b"=") else f"+{number}",
            segment=of,
            possible_duplicate=body.startswith(b"!"),
        )
    given = orjson.loads(body).get
    return Correlation(
        mt_id=given("mt", ""),
        provider=provider,
        smsc_id=given("id", key_id),
        to=given("to") or number,
        segment=of,
        generation=given("generation", 0),
        receipt=given("receipt", "final"),
        possible_duplicate=given("possible_duplicate", False),
        unanswered=given("unanswered"),
        app_id=given("app_id"),
        conversation_id=given("conversation_id"),
        metadata=given("metadata"),
    )


def _read_segment(segment: bytes) -> tuple[int, int]:
    number, _, of = segment.partition(b"/")
    return int(number), int(of)
