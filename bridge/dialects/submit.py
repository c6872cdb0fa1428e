"""An MT as submit_sm (SMPP 3.4, 4.4.1): one, or the segments of a long message. Or why this provider never takes it.

How a PDU looks as octets is the codec's; what alphabets, segments and addresses are is told by the room `text`.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from bridge.dialects.dialect import Dialect
from bridge.dialects.smpp34 import SMPP34
from bridge.model.ids import digest
from bridge.model.inbound import Concat
from bridge.model.mt import Mt
from bridge.model.outcome import Rejected
from bridge.smpp.codec import BadField, encode_submit_sm
from bridge.smpp.consts import (
    ESM_CLASS_UDHI,
    TLV_MESSAGE_PAYLOAD,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from bridge.smpp.pdus import SubmitSm, Tlv
from bridge.text.addresses import Address, BadAddress, read_number, read_sender
from bridge.text.alphabets import Alphabets, Unencodable
from bridge.text.dates import absolute_time
from bridge.text.encoding import CONCAT_OCTETS, SEGMENT_OCTETS, SHORT_MESSAGE_OCTETS, TooLong, Writer, Written
from bridge.text.packing import pack
from bridge.text.split import chunks
from bridge.text.udh import read_udh, write_udh

LongMessages = Literal["udh8", "udh16", "sar", "payload"]

_SENDERS_REMEMBERED = 4096
_EARLIEST_VALIDITY_S = 1.0
_PAYLOAD_OCTETS = 0xFFFF
_SAR_TLVS = (TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS, TLV_SAR_SEGMENT_SEQNUM)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubmitOptions:
    """How one provider wants its submit_sm. Fields are named as in the configuration; `national_tables` by number."""

    source_ton: int | Literal["auto"] = "auto"
    source_npi: int | Literal["auto"] = "auto"
    dest_ton: int | Literal["auto"] = "auto"
    dest_npi: int | Literal["auto"] = "auto"
    number_format: Literal["digits", "plus"] = "digits"
    default_alphabet: str = "gsm"
    national_tables: tuple[int, ...] = ()
    long_messages: LongMessages = "udh8"
    max_segments: int = 10
    dialect: Dialect = SMPP34
    alphabets: Alphabets = field(init=False, repr=False)
    writer: Writer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        alphabets = Alphabets(self.default_alphabet, self.dialect.codings)
        writer = Writer(
            alphabets,
            self.national_tables,
            concat_octets=_concat_octets(self.long_messages),
            most=self.max_segments,
            longest=_PAYLOAD_OCTETS if self.long_messages == "payload" else SHORT_MESSAGE_OCTETS,
        )
        object.__setattr__(self, "alphabets", alphabets)
        object.__setattr__(self, "writer", writer)


class _Unsendable(ValueError):
    """An MT that no submit_sm can carry; the text says why."""


class _Endpoint(NamedTuple):
    ton: int
    npi: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongSubmit:
    """An MT of `count` submit_sm (2-255).

    `fingerprint`: 8 hex digits that tell how it was cut: who cuts it otherwise must not go on with it.
    `counter`: sender and destination as written in the PDU: their references must not repeat.
    """

    count: int
    fingerprint: str
    counter: str
    _content: Written = field(repr=False)
    _pdu: SubmitSm = field(repr=False)
    _long_messages: LongMessages = field(repr=False)

    def body(self, number: int, reference: int) -> bytes:
        """Segment `number`, from 1, as the body of a submit_sm. Any reference from 0 on; its lowest bits are used."""
        ref = reference % (256 if self._long_messages == "udh8" else 65536)
        concat = Concat(ref=ref, total=self.count, seq=number)
        header, tlvs = self._content.header, self._pdu.tlvs
        if self._long_messages == "sar":
            tlvs += _sar(concat)
        else:
            wide = self._long_messages == "udh16"
            header = _numbered(header, write_udh(concat=concat, wide_reference=wide))
        octets = _user_data(self._content, header, self._content.pieces[number - 1])
        esm_class = ESM_CLASS_UDHI if header else 0
        return encode_submit_sm(replace(self._pdu, esm_class=esm_class, short_message=octets, tlvs=tlvs))


def build_submit(
    mt: Mt, from_: str, options: SubmitOptions, now_epoch: float
) -> bytes | LongSubmit | Rejected:
    """The MT as the body of a submit_sm, as those of its segments, or why this provider can never carry it.

    Whether it has expired is for the caller to see: the validity never ends before it is on the wire.
    """
    source = _source(from_, options)
    if isinstance(source, Rejected):
        return source
    try:
        destination = _endpoint(read_number(mt.to), options.dest_ton, options.dest_npi, options)
        content = _content(mt, options)
        pdu = SubmitSm(
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            source_addr=source.address,
            dest_addr_ton=destination.ton,
            dest_addr_npi=destination.npi,
            destination_addr=destination.address,
            esm_class=ESM_CLASS_UDHI if content.header else 0,
            priority_flag=mt.priority,
            validity_period=_validity_period(mt.expires_at, now_epoch),
            registered_delivery=0 if mt.receipt == "none" else 1,
            data_coding=content.data_coding,
            tlvs=mt.tlvs,
        )
        if len(content.pieces) == 1 and len(content.pieces[0]) <= SHORT_MESSAGE_OCTETS:
            pdu.short_message = _user_data(content, content.header, content.pieces[0])
            return encode_submit_sm(pdu)
        if options.long_messages == "payload":
            return _payload(pdu, content)
        return _long(pdu, content, options.long_messages)
    except TooLong as too_long:
        return Rejected(None, f"{'text' if mt.data is None else 'data'}: {too_long}")
    except (BadAddress, BadField, Unencodable, _Unsendable) as error:
        return Rejected(None, str(error))


@lru_cache(maxsize=_SENDERS_REMEMBERED)
def _source(from_: str, options: SubmitOptions) -> _Endpoint | Rejected:
    """The sender, checked once: a route has few and sends much."""
    try:
        return _endpoint(read_sender(from_), options.source_ton, options.source_npi, options)
    except BadAddress as error:
        return Rejected(None, str(error))


def _endpoint(
    address: Address, ton: int | Literal["auto"], npi: int | Literal["auto"], options: SubmitOptions
) -> _Endpoint:
    auto_ton, auto_npi = address.shape.value
    return _Endpoint(
        auto_ton if ton == "auto" else ton,
        auto_npi if npi == "auto" else npi,
        address.written(options.number_format),
    )


def _validity_period(expires_at: float | None, now_epoch: float) -> str:
    """Cut to whole seconds an expiry just ahead would lie behind, and SMSCs refuse that as a bad field."""
    return "" if expires_at is None else absolute_time(max(expires_at, now_epoch + _EARLIEST_VALIDITY_S))


def _content(mt: Mt, options: SubmitOptions) -> Written:
    """Raises Unencodable, TooLong and _Unsendable."""
    if mt.data is not None:
        return _binary(mt.data, mt.udh or b"", mt.encoding, options)
    if mt.text is None:
        raise _Unsendable("media: SMPP carries only text and data")
    if mt.udh:
        raise _Unsendable("udh: goes with data, never with text")
    if mt.encoding == "binary":
        raise _Unsendable("encoding: binary is for data, not for text")
    return options.writer.write(mt.text, mt.encoding)


def _binary(data: bytes, header: bytes, encoding: str, options: SubmitOptions) -> Written:
    if encoding not in ("auto", "binary"):
        raise _Unsendable(f"encoding: data is sent as it is, {encoding} is for text")
    udh = read_udh(header)
    if header and (udh is None or udh.octets != len(header)):
        raise _Unsendable("udh: not a user data header: its lengths do not add up")
    data_coding = options.alphabets.coding_of("binary")
    room = SEGMENT_OCTETS - len(header)
    if len(data) <= room:
        return Written((data,), "binary", data_coding, header)
    if udh and udh.concat:
        octets = f"{len(data)} octets of data are more than the {max(room, 0)} beside it"
        raise _Unsendable(f"udh: makes this one segment of a long message, but {octets}")
    room = SEGMENT_OCTETS - (len(header) or 1) - _concat_octets(options.long_messages)
    if room < 1:
        raise _Unsendable(f"udh: its {len(header)} octets leave no room for data")
    pieces = chunks(data, room)
    if len(pieces) > options.max_segments:
        raise TooLong(f"{len(pieces)} segments in binary", options.max_segments)
    return Written(pieces, "binary", data_coding, header)


def _payload(pdu: SubmitSm, content: Written) -> bytes:
    """The message whole, in message_payload; the SMSC cuts it."""
    if pdu.tlv(TLV_MESSAGE_PAYLOAD) is not None:
        raise BadField("short_message", "excludes message_payload (0x0424)")
    octets = _user_data(content, content.header, b"".join(content.pieces))
    pdu.tlvs += ((TLV_MESSAGE_PAYLOAD, octets),)
    return encode_submit_sm(pdu)


def _long(pdu: SubmitSm, content: Written, long_messages: LongMessages) -> LongSubmit:
    """Raises BadField here for what a segment could not be sent with, so that none is sent without the others."""
    own = next((tag for tag in _SAR_TLVS if pdu.tlv(tag) is not None), None)
    if own is not None:
        raise _Unsendable(f"tlvs: 0x{own:04X} makes this one segment of a long message, but it needs several")
    pieces, coding = content.pieces, bytes((content.data_coding, content.packed))
    long = LongSubmit(
        count=len(pieces),
        fingerprint=digest(long_messages, coding, content.header, *pieces).hex()[:8],
        counter=f"{pdu.source_addr}>{pdu.destination_addr}",
        _content=content,
        _pdu=pdu,
        _long_messages=long_messages,
    )
    longest = max(range(long.count), key=lambda place: len(pieces[place]))
    long.body(longest + 1, 0)
    return long


def _user_data(content: Written, header: bytes, piece: bytes) -> bytes:
    return header + (pack(piece, len(header)) if content.packed else piece)


def _concat_octets(long_messages: LongMessages) -> int:
    """What the number of a segment takes of it. With SAR and payload the SMSC writes that, mostly in 8 bits."""
    return CONCAT_OCTETS + (long_messages == "udh16")


def _numbered(header: bytes, number: bytes) -> bytes:
    """One user data header of two; the number first, where everybody finds it."""
    return bytes((len(number) + len(header[1:]) - 1,)) + number[1:] + header[1:]


def _sar(concat: Concat) -> tuple[Tlv, ...]:
    """The number of a segment as TLVs (SMPP 3.4, 5.3.2.22-24)."""
    return (
        (TLV_SAR_MSG_REF_NUM, concat.ref.to_bytes(2, "big")),
        (TLV_SAR_TOTAL_SEGMENTS, bytes((concat.total,))),
        (TLV_SAR_SEGMENT_SEQNUM, bytes((concat.seq,))),
    )
