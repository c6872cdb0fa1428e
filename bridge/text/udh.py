"""The user data header in front of a message (3GPP TS 23.040, 9.2.3.24): walked by its lengths, and written."""

from dataclasses import dataclass

from bridge.model.inbound import NO_SHIFTS, Concat, Ports, Shifts

_CONCAT_8_BIT = 0x00
_PORTS_8_BIT = 0x04
_PORTS_16_BIT = 0x05
_CONCAT_16_BIT = 0x08
_SINGLE_SHIFT = 0x24
_LOCKING_SHIFT = 0x25
_MOST_SEGMENTS = 0xFF
_LARGEST_REF = 0xFFFF


@dataclass(frozen=True, slots=True)
class Udh:
    """A header that could be read. `octets` counts all of it, its length octet included.

    `shifts`: the national language tables it names, whether anybody knows them or not.
    """

    octets: int
    concat: Concat | None = None
    ports: Ports | None = None
    shifts: Shifts = NO_SHIFTS


def read_udh(octets: bytes) -> Udh | None:
    """The header at the beginning of a message; None if no header can be read there.

    A header of length 0 counts as none: it is the first half of a UCS-2 character far more often. Of elements
    that say the same kind of thing the last one that makes sense counts.
    """
    if not octets or not 0 < octets[0] < len(octets):
        return None
    concat: Concat | None = None
    ports: Ports | None = None
    shifts = NO_SHIFTS
    end = octets[0] + 1
    position = 1
    while position < end:
        if position + 2 > end or position + 2 + octets[position + 1] > end:
            return None
        kind = octets[position]
        value = octets[position + 2 : position + 2 + octets[position + 1]]
        concat = _read_concat(kind, value) or concat
        ports = _read_ports(kind, value) or ports
        shifts = _read_shift(kind, value, shifts)
        position += 2 + len(value)
    return Udh(end, concat, ports, shifts)


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


def _read_shift(kind: int, value: bytes, shifts: Shifts) -> Shifts:
    if (kind, len(value)) == (_SINGLE_SHIFT, 1):
        return shifts._replace(single=value[0])
    if (kind, len(value)) == (_LOCKING_SHIFT, 1):
        return shifts._replace(locking=value[0])
    return shifts


def write_udh(
    *, concat: Concat | None = None, wide_reference: bool = False, shifts: Shifts = NO_SHIFTS
) -> bytes:
    """A header that says this, its length octet included; b"" if there is nothing to say.

    Of the reference go 8 bits with it, 16 if `wide_reference`.
    """
    elements = b""
    if concat and wide_reference:
        ref = (concat.ref & 0xFFFF).to_bytes(2, "big")
        elements += bytes((_CONCAT_16_BIT, 4, *ref, concat.total, concat.seq))
    elif concat:
        elements += bytes((_CONCAT_8_BIT, 3, concat.ref & 0xFF, concat.total, concat.seq))
    for kind, language in ((_SINGLE_SHIFT, shifts.single), (_LOCKING_SHIFT, shifts.locking)):
        if language:
            elements += bytes((kind, 1, language))
    return bytes((len(elements),)) + elements if elements else b""
