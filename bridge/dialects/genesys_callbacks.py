"""What Genesys posts to us: a receipt or a message from a phone, told apart by `type`. Fields of no meaning here stay.

It names no phone in a receipt, and no time in either. Whether something is a repeat is decided above.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterator, Mapping

from bridge.dialects.http import BadCallback
from bridge.model.ids import digest
from bridge.model.inbound import FINAL_STATES, Dr, DrState, Mo
from bridge.model.web import Callback
from bridge.text.states import state_of_number

_STATE = re.compile(r"[1-8]", re.ASCII)
_ATTACHMENT = re.compile(
    r"mms_attachment(?:\[(0|[1-9][0-9]{0,3})\]|(0|[1-9][0-9]{0,3}))\.(content_type|content)", re.ASCII
)
_SHOWABLE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}", re.ASCII)

Fields = Mapping[str, str]


def read_genesys_callback(callback: Callback, final_states: frozenset[DrState]) -> Mo | Dr:
    """The MO or DR that it is. Raises BadCallback."""
    fields = dict(_texts(callback))
    kind = _required(fields, "type").lower()
    if kind == "receipt":
        return _dr(fields, final_states)
    if kind == "mo":
        return _mo(fields)
    raise BadCallback("type", "must be receipt or MO")


def _texts(callback: Callback) -> Iterator[tuple[str, str]]:
    for name, value in callback.fields.items():
        shown = name if _SHOWABLE.fullmatch(name) else "body"
        if not isinstance(value, str):
            raise BadCallback(shown, "must be text")
        if not (_encodable(name) and _encodable(value)):
            raise BadCallback(shown, "is no text that UTF-8 could carry")
        yield name, value


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _required(fields: Fields, name: str) -> str:
    value = fields.get(name, "").strip()
    if not value:
        raise BadCallback(name, "is missing")
    return value


def _dr(fields: Fields, final_states: frozenset[DrState]) -> Dr:
    message_id, number = _required(fields, "message_id"), _required(fields, "message_state")
    if not _STATE.fullmatch(number):
        raise BadCallback("message_state", "must be a number from 1 to 8")
    state = state_of_number(bytes((int(number),)))
    error = fields.get("result_code")
    return Dr(
        ids=(message_id,),
        state=state,
        final=state in FINAL_STATES or state in final_states,
        error=error,
        network_error=None,
        submitted_at=None,
        done_at=None,
        to=None,
        from_=None,
        text=None,
        identity=digest(message_id, number, error or ""),
        raw={"fields": fields},
    )


def _mo(fields: Fields) -> Mo:
    message_id, media = _required(fields, "message_id"), _media(fields)
    text = fields.get("message")
    if text is None and not media:
        raise BadCallback("message", "is missing")
    return Mo(
        id=message_id,
        from_=_required(fields, "phone_number"),
        to=_required(fields, "shortcode"),
        text=text or "",
        data=None,
        encoding="utf-8",
        identity=digest(*(part for field in sorted(fields.items()) for part in field)),
        carrier=fields.get("carrier") or None,
        media=media,
        raw={"fields": {name: value for name, value in fields.items() if not _is_content(name)}},
    )


def _is_content(name: str) -> bool:
    found = _ATTACHMENT.fullmatch(name)
    return bool(found and found[3] == "content")


def _media(fields: Fields) -> tuple[Mapping[str, str], ...]:
    """The attachments in order of their numbers, from 0, whichever way these are written."""
    halves: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        if found := _ATTACHMENT.fullmatch(name):
            attachment = halves.setdefault(int(found[1] or found[2]), {})
            if found[3] in attachment:
                raise BadCallback(name, "is given in two spellings")
            attachment[found[3]] = value
    return tuple(_part(number, halves.get(number, {})) for number in range(len(halves)))


def _part(number: int, halves: Mapping[str, str]) -> Mapping[str, str]:
    for half in ("content_type", "content"):
        if not halves.get(half):
            raise BadCallback(f"mms_attachment[{number}].{half}", "is missing")
    data = "".join(halves["content"].split())
    try:
        a2b_base64(data, strict_mode=True)
    except ValueError:  # binascii's own is one
        raise BadCallback(f"mms_attachment[{number}].content", "must be Base64") from None
    return {"content_type": halves["content_type"], "data": data}
