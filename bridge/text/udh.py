"""The user data header in front of a message (3GPP TS 23.040, 9.2.3.24), walked by its lengths."""

from dataclasses import dataclass

from bridge.model.inbound import Concat, Ports

_CONCAT_8_BIT = 0x00
_PORTS_8_BIT = 0x04
_PORTS_16_BIT = 0x05
_CONCAT_16_BIT = 0x08
_NATIONAL_SINGLE_SHIFT = 0x24
_NATIONAL_LOCKING_SHIFT = 0x25
_MOST_SEGMENTS = 0xFF
_LARGEST_REF = 0xFFFF


@dataclass(frozen=True, slots=True)
class Udh:
    """A header that could be read. `octets` counts all of it, its length octet included.

    `national`: it names a national language table, so that the basic GSM table does not tell what is written.
    """

    octets: int
    concat: Concat | None
    ports: Ports | None
    national: bool


def read_udh(octets: bytes) -> Udh | None:
    """The header at the beginning of a message; None if no header can be read there.

    A header of length 0 counts as none: it is the first half of a UCS-2 character far more often.
    """
    if not octets or not 0 < octets[0] < len(octets):
        return None
    concat: Concat | None = None
    ports: Ports | None = None
    national = False
    end = octets[0] + 1
    position = 1
    while position < end:
        if position + 2 > end or position + 2 + octets[position + 1] > end:
            return None
        kind = octets[position]
        value = octets[position + 2 : position + 2 + octets[position + 1]]
        concat = _read_concat(kind, value) or concat
        ports = _read_ports(kind, value) or ports
        national = national or kind in (_NATIONAL_SINGLE_SHIFT, _NATIONAL_LOCKING_SHIFT)
        position += 2 + len(value)
    return Udh(end, concat, ports, national)


def _read_concat(kind: int, value: bytes) -> Concat | None:
    if (kind, len(value)) not in ((_CONCAT_8_BIT, 3), (_CONCAT_16_BIT, 4)):
        return None
    return segment_of(int.from_bytes(value[:-2], "big"), value[-2], value[-1])


def segment_of(ref: int, total: int, seq: int) -> Concat | None:
    """Which segment these numbers name; None if they make no sense (9.2.3.24.1 ignores such an element)."""
    sensible = 0 < seq <= total <= _MOST_SEGMENTS and ref <= _LARGEST_REF
    return Concat(ref=ref, total=total, seq=seq) if sensible else None


def _read_ports(kind: int, value: bytes) -> Ports | None:
    if (kind, len(value)) == (_PORTS_8_BIT, 2):
        return Ports(dst=value[0], src=value[1])
    if (kind, len(value)) == (_PORTS_16_BIT, 4):
        return Ports(dst=int.from_bytes(value[:2], "big"), src=int.from_bytes(value[2:], "big"))
    return None
