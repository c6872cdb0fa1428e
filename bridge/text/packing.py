"""Septets packed into octets, both ways (3GPP TS 23.038, 6.1.2). What the septets mean is `gsm.py`'s.

A user data header in front ends at an octet; the septets after it go on at a multiple of seven bits, counted
from the beginning of the header, and leave the bits between empty (3GPP TS 23.040, 9.2.3.24).
"""

_CR = 0x0D
_AT = 0x00
_FULL = 140  # octets of a whole SMS


def pack(septets: bytes, header_octets: int = 0) -> bytes:
    """Octets that follow a header of this many octets, its length octet included.

    Seven bits left over would read as another @, and a CR that ends with its octet as padding: a CR is added
    to both (6.1.2.3.1).
    """
    if not septets:
        return b""
    fill = _fill_bits(header_octets)
    left_over = -(fill + 7 * len(septets)) % 8
    if left_over == 7 or (left_over == 0 and septets.endswith(b"\r")):
        septets += b"\r"
    groups = (septets[start : start + 8] for start in range(0, len(septets), 8))
    packed = b"".join(
        sum(septet << 7 * place for place, septet in enumerate(group)).to_bytes(7, "little")
        for group in groups
    )
    filled = (int.from_bytes(packed, "little") << fill).to_bytes(len(packed) + 1, "little")
    return filled[: -(-(fill + 7 * len(septets)) // 8)]


def unpack(octets: bytes, header_octets: int = 0) -> bytes:
    """The septets, one an octet, that follow a header of this many octets. Never raises.

    A last septet that ends with its octet is padding if it is a CR, or an @ in an SMS that was not full: what
    phones themselves send is padded with zeros (6.1.2.1.1).
    """
    fill = _fill_bits(header_octets)
    bits = max(8 * len(octets) - fill, 0)
    aligned = (int.from_bytes(octets, "little") >> fill).to_bytes(len(octets), "little")
    septets = bytearray()
    for start in range(0, len(aligned), 7):
        group = int.from_bytes(aligned[start : start + 7], "little")
        septets += bytes([group >> shift & 0x7F for shift in range(0, 56, 7)])
    del septets[bits // 7 :]
    if septets and bits % 7 == 0 and _is_padding(septets[-1], header_octets + len(octets)):
        septets.pop()
    return bytes(septets)


def _is_padding(septet: int, octets: int) -> bool:
    return septet == _CR or (septet == _AT and octets < _FULL)


def _fill_bits(header_octets: int) -> int:
    return -8 * header_octets % 7
