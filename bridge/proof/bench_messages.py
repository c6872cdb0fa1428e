"""The messages of a bench: row n of a round as an MT, as its receipt, as an MO; and back from each to its row.

Pure. Numbers are of the range that Ofcom keeps free (07700 900), stretched by the row: nobody has them.
"""

from collections.abc import Sequence

from bridge.smpp.codec import encode_deliver_sm
from bridge.smpp.consts import ESM_CLASS_RECEIPT, TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID
from bridge.smpp.pdus import DeliverSm

MOST_ROWS = 1_000_000
SENDER = "12345"
PROVIDER = "bench"
HANDSET = b"44770090"
"""How the handset's number of every row begins; six digits follow."""
_DIGITS = 6
_ID_DIGITS = 10
_DELIVERED = 2
_SEGMENT_OCTETS = 153
"""Of GSM 03.38, packed, in a segment with a reference of one octet."""
_WORDS = b" It is yours alone."
_CONCATENATED, _HEADER_REST = b"\x05\x00\x03", 3
"""How a user data header of a segment begins; then come reference, number of segments, and which it is."""


def handset(row: int) -> bytes:
    """The number that row's MT goes to, or its MO comes from."""
    return b"%b%06d" % (HANDSET, row)


def row_of(octets: bytes, start: int, end: int) -> int:
    """The row whose handset's number stands first between these two places; -1 if none does."""
    at = octets.find(HANDSET, start, end)
    if at < 0:
        return -1
    at += len(HANDSET)
    digits = octets[at : at + _DIGITS]
    return int(digits) if len(digits) == _DIGITS and digits.isdigit() else -1


def mt_id(tag: str, row: int) -> bytes:
    """The id of row's MT. `tag`: the round's, so that no id comes twice."""
    return b"%b-%06d" % (tag.encode(), row)


def mt_body(tag: str, row: int, more: bytes = b"") -> bytes:
    """Row's MT as a producer publishes it. `more`: text behind its own, as JSON has it."""
    return b'{"id":"%b","to":"+%b","text":"%06d is your code. Do not tell anybody.%b","receipt":"final"}' % (
        mt_id(tag, row),
        handset(row),
        row,
        more,
    )


class Mts:
    """The MTs of a round, of so many segments each, spread evenly over routes."""

    def __init__(self, tag: str, routes: Sequence[str], segments: int = 1) -> None:
        """`tag`: the round's, so that no id comes twice."""
        self._tag = tag
        self._routes = routes
        # The words that come first have fewer octets than a segment.
        octets = (segments - 1) * _SEGMENT_OCTETS
        self._more = (_WORDS * (octets // len(_WORDS) + 1))[:octets]

    def ident(self, row: int) -> bytes:
        """Its id."""
        return mt_id(self._tag, row)

    def body(self, row: int) -> bytes:
        """It as a producer publishes it."""
        return mt_body(self._tag, row, self._more)

    def route(self, row: int) -> str:
        """Where it goes."""
        return self._routes[row % len(self._routes)]


def segment_of(octets: bytes, start: int, end: int) -> tuple[int, int]:
    """Which segment of how many the submit_sm between these two places is, counted from 1; 1 of 1 if it does not say.

    As it says that in a user data header with a reference of one octet, behind the handset's number.
    """
    at = octets.find(_CONCATENATED, octets.find(HANDSET, start, end), end - _HEADER_REST)
    if at < 0:
        return 1, 1
    _, of, number = octets[at + len(_CONCATENATED) : at + len(_CONCATENATED) + _HEADER_REST]
    return number, of


class Receipts:
    """Receipts in the form of SMPP 3.4, appendix B, with both TLVs, from a template: only number and id differ.

    One for each piece: segment n of row r is piece r * segments + n - 1. `first_id`: what the SMSC calls piece 0, ten
    digits.
    """

    def __init__(self, first_id: int, minute: str, segments: int = 1) -> None:
        """`minute`: YYMMDDhhmm, when all of them were submitted and done. `segments`: of each row."""
        self._first_id = first_id
        self._segments = segments
        number, smsc_id = handset(0).decode(), "0" * _ID_DIGITS
        text = (
            f"id:{smsc_id} sub:001 dlvrd:001 submit date:{minute} done date:{minute} "
            "stat:DELIVRD err:000 text:your code"
        )
        pdu = DeliverSm(
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=number,
            destination_addr=SENDER,
            esm_class=ESM_CLASS_RECEIPT,
            short_message=text.encode(),
            tlvs=(
                (TLV_RECEIPTED_MESSAGE_ID, smsc_id.encode() + b"\0"),
                (TLV_MESSAGE_STATE, bytes((_DELIVERED,))),
            ),
        )
        head, rest = encode_deliver_sm(pdu).split(number.encode())
        self._head = head
        self._middle, self._between, self._tail = rest.split(smsc_id.encode())

    def smsc_id(self, piece: int) -> bytes:
        """What the SMSC calls it."""
        return b"%010d" % (self._first_id + piece)

    def body(self, piece: int) -> bytes:
        """The deliver_sm of its receipt, without header."""
        smsc_id, number = self.smsc_id(piece), handset(piece // self._segments)
        return b"".join((self._head, number, self._middle, smsc_id, self._between, smsc_id, self._tail))


class Mos:
    """MOs from a template: all differ in number and text. `tag`: the round's, so that no text comes twice."""

    def __init__(self, tag: str) -> None:
        number = handset(0)
        pdu = DeliverSm(
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=number.decode(),
            destination_addr=SENDER,
            short_message=b"YES %b of %b" % (number, tag.encode()),
        )
        self._head, self._middle, self._tail = encode_deliver_sm(pdu).split(number)

    def body(self, row: int) -> bytes:
        """The deliver_sm of row's MO, without header."""
        number = handset(row)
        return b"".join((self._head, number, self._middle, number, self._tail))
