"""A segment of a long MO as it is held in Redis, and what those of one MO make together. Pure.

Not responsible for how octets become text: that is the provider's, and handed in (`Join`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from bridge.model.events import Origin
from bridge.model.ids import digest
from bridge.model.inbound import Concat, Mo, MoSegment, Ports, Shifts

Join = Callable[[Sequence[MoSegment]], Mo]
"""Makes the MO of the segments that are there, at least one, in any order."""

LARGEST_PART = 16_384
"""Octets of content that are held of one segment. A real one has 140, and its TLVs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One segment, and the link that brought it `at` an instant, in epoch seconds."""

    segment: MoSegment
    origin: Origin
    at: float

    def dump(self) -> bytes:
        """As it is held."""
        segment = self.segment
        concat, ports = segment.concat, segment.ports
        return orjson.dumps(
            {
                "from": segment.from_,
                "to": segment.to,
                "concat": [concat.ref, concat.total, concat.seq],
                "octets": segment.octets.hex(),
                "data_coding": segment.data_coding,
                "identity": segment.identity.hex(),
                "shifts": [*segment.shifts],
                "ports": [ports.dst, ports.src] if ports else None,
                "raw": segment.raw,
                "origin": asdict(self.origin),
                "at": self.at,
            }
        )

    @classmethod
    def load(cls, octets: bytes) -> "Part":
        """The reverse. Raises ValueError for octets this bridge did not write."""
        try:
            body: Mapping[str, Any] = orjson.loads(octets)
            ref, total, seq = body["concat"]
            locking, single = body["shifts"]
            dst, src = body["ports"] or (0, 0)
            origin = Origin(**body["origin"])
            segment = MoSegment(
                from_=body["from"],
                to=body["to"],
                concat=Concat(ref=ref, total=total, seq=seq),
                octets=bytes.fromhex(body["octets"]),
                data_coding=body["data_coding"],
                identity=bytes.fromhex(body["identity"]),
                shifts=Shifts(locking, single),
                ports=Ports(dst=dst, src=src) if body["ports"] else None,
                raw=body["raw"],
            )
            at = float(body["at"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a segment: {error!r}") from error
        words = (segment.from_, segment.to, origin.provider, *filter(None, body["origin"].values()))
        numbers = (ref, total, seq, segment.data_coding, locking, single, dst, src)
        if not all(isinstance(word, str) for word in words) or not all(type(n) is int for n in numbers):
            raise ValueError("not a segment: what should be text or a number is not")
        if not isinstance(segment.raw, dict) or not 1 <= seq <= total:
            raise ValueError("not a segment: it has no place among the others")
        return cls(segment, origin, at)


def readable(stored: Sequence[bytes]) -> tuple[list[Part], int]:
    """The parts that can be read, and how many cannot."""
    parts = []
    for octets in stored:
        try:
            parts.append(Part.load(octets))
        except ValueError:
            continue
    return parts, len(stored) - len(parts)


def can_be_held(segment: MoSegment) -> bool:
    """Whether it is of a size that may wait for the others."""
    return len(segment.octets) + len(orjson.dumps(segment.raw)) <= LARGEST_PART


def set_key(provider: str, segment: MoSegment) -> bytes:
    """Names the MO it belongs to, whichever link brought it."""
    concat = segment.concat
    return digest("segments", provider, segment.from_, segment.to, f"{concat.ref} {concat.total}")


def tag(segment: MoSegment) -> bytes:
    """Eight octets that tell it from another segment under the same reference and number.

    Only of what the phone wrote: the TLVs that an SMSC adds may differ in a repeat by another site.
    """
    coding = bytes((segment.data_coding, *segment.shifts))
    return digest("segment", coding, segment.octets)[:8]
