"""Reading delivery receipts: which PDUs are receipts, and what they say (SMPP 3.4, Appendix B, and beyond).

Receipts are read by rule, not by provider: TLVs before text, keys in any order and case, every key optional.
Nothing here raises; what cannot be read is None. Matching a receipt to its MT is not done here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bridge.model.inbound import DrState
from bridge.text.dates import read_date
from bridge.text.states import state_of_number, state_of_word

_TYPE_BITS = 0x3C  # esm_class, SMPP 3.4, 5.2.12: neither the mode, nor UDHI, nor reply path
_SMSC_RECEIPT = 0x04
_INTERMEDIATE = 0x20

_BLANKS = " \t\r\n\v\f\0"
_GAPS = _BLANKS + "_-"
_KEY = rf"id|sub|dlvrd|delivrd|submit[{_GAPS}]*date|done[{_GAPS}]*date|stat|err|text"
# A key of a receipt (group 1), or any other "KEY:", which ends the value before it and is skipped. No key is the
# rest of a word; a number may touch it, for some write addresses before the id, or no blank after a value.
_KEYS = re.compile(
    rf"(?<![^\W\d])(?=[A-Z])(?:({_KEY})[{_BLANKS}]*:|(?<![^{_BLANKS},;|])[A-Z][\w-]*:)",
    re.IGNORECASE,
)
_WHOLE_RECEIPT = re.compile(
    rf"[{_BLANKS}]*id[{_BLANKS}]*:.*?(?<!\w)stat[{_BLANKS}]*:", re.IGNORECASE | re.DOTALL
)
# As Appendix B has it and most SMSCs write it: the same as by `_KEYS`, for nothing in a value could be a key.
_ORDINARY = re.compile(
    r"id:([\w.-]+) sub:(\d+) dlvrd:(\d+) submit date:(\d+) done date:(\d+) stat:(\w+) err:(\w+) text:(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_ORDINARY_KEYS = ("id", "sub", "dlvrd", "submitdate", "donedate", "stat", "err", "text")
_ABSENT = frozenset({"", "null", "(null)", "..."})
_BETWEEN_FIELDS = _BLANKS + ",;|"
_PADDING = _BLANKS + "\xff"
_WITHOUT_GAPS = str.maketrans("", "", _GAPS)


@dataclass(slots=True, kw_only=True)  # not frozen: one a receipt, and making it takes three times as long
class ReceiptPdu:
    """The parts of a deliver_sm or data_sm that a receipt is made of. `body` is free of any header.

    `message_id`, `message_state`, `network_error`: the TLVs 0x001E, 0x0427 and 0x0423, None where absent.
    """

    esm_class: int
    body: bytes
    message_id: bytes | None
    message_state: bytes | None
    network_error: bytes | None


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What a receipt says; None is "not there or not readable".

    `ids`: TLV before text, without doubles. Dates are ISO 8601 to the precision written. `error` is the text's
    err, else the network error's number. `intermediate`: flagged as a notification others will follow.
    """

    ids: tuple[str, ...]
    state: DrState | None
    intermediate: bool
    error: str | None
    network_error: str | None
    submitted_at: str | None
    done_at: str | None
    sub: int | None
    dlvrd: int | None
    text: str | None


def is_receipt(pdu: ReceiptPdu) -> bool:
    """Whether this is a receipt: by its type bits, by the TLV with an id, or by the text of a whole receipt.

    Text in the middle of a body decides nothing: users can type it.
    """
    if pdu.esm_class & _TYPE_BITS or pdu.message_id is not None:
        return True
    body, _ = _readable(pdu.body)
    return _WHOLE_RECEIPT.match(body) is not None


def read_receipt(
    pdu: ReceiptPdu, decode_text: Callable[[bytes], str], *, ids_from_text: bool = True
) -> Receipt:
    """What a receipt says. `decode_text` reads the quoted text, the one part that is not ASCII.

    `ids_from_text`: False where the text's id is not the provider's own.
    """
    body, wide = _readable(pdu.body)
    fields = _fields(body)
    error = _value(fields, "err")
    network_error = _network_error(pdu.network_error)
    ids = [_id((pdu.message_id or b"").decode("latin-1"))]
    if ids_from_text:
        ids.append(_id(fields.get("id", "")))
    stat = _value(fields, "stat")
    state = state_of_number(pdu.message_state)
    if state is None and stat is not None:
        state = state_of_word(stat, error)
    text = fields.get("text")
    if text is not None and not wide:
        text = decode_text(text.encode("latin-1"))
    return Receipt(
        ids=tuple(dict.fromkeys(id_ for id_ in ids if id_)),
        state=state,
        intermediate=pdu.esm_class & (_INTERMEDIATE | _SMSC_RECEIPT) == _INTERMEDIATE,
        error=error or network_error,
        network_error=network_error,
        submitted_at=_date(fields, "submitdate"),
        done_at=_date(fields, "donedate"),
        sub=_count(fields.get("sub")),
        dlvrd=_count(fields.get("dlvrd")),
        text=text,
    )


def _readable(body: bytes) -> tuple[str, bool]:
    """The body as characters, and whether each was two octets wide.

    The keys are ASCII whatever data_coding says, for some SMSCs copy that from the submit_sm: Latin-1 reads
    them and never fails. Only a byte order mark, or NULs in every other place where it begins, mean UTF-16.
    """
    head = body[:6]
    if 0 not in head and head[:1] < b"\xfe":
        return body.decode("latin-1"), False  # most
    if head[:2] == b"\xff\xfe" or (len(head) > 3 and not any(head[1::2])):
        return body.decode("utf-16-le", "replace").removeprefix("\ufeff"), True
    if head[:2] == b"\xfe\xff" or (len(head) > 3 and not any(head[0::2])):
        return body.decode("utf-16-be", "replace").removeprefix("\ufeff"), True
    return body.decode("latin-1"), False


def _fields(body: str) -> dict[str, str]:
    """The values by key, in one spelling of the keys. The first of a key counts.

    `text` goes on to the end of the body, keys inside it included; a key that was nowhere before it is still
    read there, for some write text before the rest.
    """
    ordinary = _ORDINARY.fullmatch(body)
    if ordinary is not None:
        *values, text = ordinary.groups()
        return dict(zip(_ORDINARY_KEYS, (*values, text.strip(_BLANKS)), strict=True))
    return _fields_by_key(body)


def _fields_by_key(body: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    matches = list(_KEYS.finditer(body))
    ends = [match.start() for match in matches[1:]] + [len(body)]
    for match, end in zip(matches, ends, strict=False):
        if match[1]:
            key = _spelling(match[1])
            is_text = key == "text"
            value = body[match.end() : None if is_text else end]
            fields.setdefault(key, value.strip(_BLANKS if is_text else _BETWEEN_FIELDS))
    return fields


@lru_cache(maxsize=256)
def _spelling(key: str) -> str:
    key = key.lower().translate(_WITHOUT_GAPS)
    return "dlvrd" if key == "delivrd" else key


def _value(fields: dict[str, str], key: str) -> str | None:
    value = fields.get(key, "")
    return None if value.lower() in _ABSENT else value


def _date(fields: dict[str, str], key: str) -> str | None:
    """The date at the beginning of a value: no date has a blank, so what comes after one belongs to no key."""
    written, *_ = fields.get(key, "").split() or [""]
    return read_date(written)


def _id(written: str) -> str | None:
    """An id without what pads it, up to a NUL inside: as a C-octet string, which it may or may not be."""
    id_ = written.strip(_PADDING).partition("\0")[0].rstrip(_PADDING)
    return None if id_.lower() in _ABSENT else id_


def _count(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None


def _network_error(octets: bytes | None) -> str | None:
    """The number of network_error_code (SMPP 3.4, 5.3.2.31), or its ASCII digits, three or more, as written."""
    if octets is None or len(octets) < 3:
        return None
    digits = octets.rstrip(b"\0 ")
    if len(digits) >= 3 and digits.isdigit():
        return digits.decode("ascii")
    return str(int.from_bytes(octets[1:3], "big"))
