"""Texts as phones write them: one deliver_sm, or several segments where one does not hold it. Pure.

Not the bridge's way to split: it shares no code with it, and a phone may cut a character in two.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from bridge.smpp.consts import (
    ESM_CLASS_UDHI,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from bridge.smpp.pdus import DeliverSm, Tlv
from bridge.text import gsm
from bridge.text.packing import pack

Header = Literal["udh8", "udh16", "sar"]
HEADERS: tuple[Header, ...] = ("udh8", "udh16", "sar")

_SEGMENT_OCTETS = 140
_HEADER_OCTETS = {"udh8": 6, "udh16": 7, "sar": 6}
"""Of the header on the air, which with SAR the SMSC has taken off."""
_MOST_SEGMENTS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a phone sends a text that needs several segments.

    `naive`: it cuts by octets, also through an escape or a surrogate pair. `order`: the numbers of the segments in
    the order in which they leave, some perhaps twice or never; empty: each once, in turn. `reference`: None for the
    next one.
    """

    header: Header = "udh8"
    naive: bool = False
    order: tuple[int, ...] = ()
    reference: int | None = None

    def __post_init__(self) -> None:
        if self.header not in HEADERS:
            raise ValueError(f"header: must be one of {', '.join(HEADERS)}")


class _Alphabet(NamedTuple):
    """`unit`: so many octets even a naive phone keeps together. `septets`: GSM, written one septet an octet."""

    data_coding: int
    encode: Callable[[str], bytes]
    unit: int = 1
    septets: bool = False

    def room(self, header_octets: int) -> int:
        """What one segment holds beside a header, in octets as `encode` writes them."""
        free = _SEGMENT_OCTETS - header_octets
        return free * 8 // 7 if self.septets else free - free % self.unit


def _shift_jis(text: str) -> bytes:
    """cp932 writes a few signs, such as the cent, as others that look like them: those it does not have."""
    octets = text.encode("cp932")
    if octets.decode("cp932") != text:
        raise UnicodeEncodeError("cp932", text, 0, len(text), "comes back as another text")
    return octets


_UCS2 = _Alphabet(8, lambda text: text.encode("utf-16-be"), unit=2)
_GSM = _Alphabet(0, gsm.encode, septets=True)
_DEFAULTS = {
    "gsm": _GSM,
    "gsm-packed": _GSM,
    "ascii": _Alphabet(0, lambda text: text.encode("ascii")),
    "latin1": _Alphabet(0, lambda text: text.encode("latin-1")),
    "utf-8": _Alphabet(0, lambda text: text.encode()),
    "shift_jis": _Alphabet(0, _shift_jis),
}


class Keypad:
    """Writes MOs for an account on which data_coding 0 is `alphabet`, a word of the configuration."""

    def __init__(self, alphabet: str = "gsm") -> None:
        self._default = _DEFAULTS[alphabet]
        self._packed = alphabet == "gsm-packed"

    def write(
        self, text: str, *, source: str, destination: str, manner: Manner, reference: int
    ) -> list[tuple[int, DeliverSm]]:
        """The segments in the order of the manner, each with its number; a text that needs one is number 0, alone.

        In the default alphabet if that has all its characters, else in UCS-2. Raises ValueError for a text that
        needs more than 255 segments, and for an `order` that names others than there are.
        """
        alphabet = self._alphabet(text)
        pdu = partial(self._pdu, alphabet, source, destination)
        whole = alphabet.encode(text)
        if len(whole) <= alphabet.room(0):
            return [(0, pdu(whole))]
        room = alphabet.room(_HEADER_OCTETS[manner.header])
        pieces = list(_pieces(text, alphabet, room, naive=manner.naive))
        total = len(pieces)
        if total > _MOST_SEGMENTS:
            raise ValueError(f"text: needs {total} segments, a message has {_MOST_SEGMENTS} at most")
        if not all(0 < number <= total for number in manner.order):
            raise ValueError(f"order: the segments are 1 to {total}")
        return [
            (number, pdu(pieces[number - 1], *_header(manner.header, reference, total, number)))
            for number in manner.order or range(1, total + 1)
        ]

    def _alphabet(self, text: str) -> _Alphabet:
        try:
            self._default.encode(text)
        except UnicodeEncodeError:
            return _UCS2
        return self._default

    def _pdu(
        self,
        alphabet: _Alphabet,
        source: str,
        destination: str,
        octets: bytes,
        udh: bytes = b"",
        tlvs: tuple[Tlv, ...] = (),
    ) -> DeliverSm:
        if alphabet.septets and self._packed:
            octets = pack(octets, len(udh))
        return DeliverSm(
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=source,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=destination,
            esm_class=ESM_CLASS_UDHI if udh else 0,
            data_coding=alphabet.data_coding,
            short_message=udh + octets,
            tlvs=tlvs,
        )


def _header(header: Header, reference: int, total: int, number: int) -> tuple[bytes, tuple[Tlv, ...]]:
    """What says which segment it is: a user data header, or TLVs."""
    match header:
        case "udh8":
            return bytes((5, 0x00, 3, reference % 256, total, number)), ()
        case "udh16":
            return bytes((6, 0x08, 4, *divmod(reference % 65536, 256), total, number)), ()
        case "sar":
            return b"", (
                (TLV_SAR_MSG_REF_NUM, (reference % 65536).to_bytes(2, "big")),
                (TLV_SAR_TOTAL_SEGMENTS, bytes((total,))),
                (TLV_SAR_SEGMENT_SEQNUM, bytes((number,))),
            )


def _pieces(text: str, alphabet: _Alphabet, room: int, *, naive: bool) -> Iterator[bytes]:
    if naive:
        octets = alphabet.encode(text)
        yield from (octets[at : at + room] for at in range(0, len(octets), room))
        return
    piece = b""
    for character in text:
        octets = alphabet.encode(character)
        if len(piece) + len(octets) > room:
            yield piece
            piece = b""
        piece += octets
    yield piece
