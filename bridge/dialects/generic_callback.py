"""What any HTTP API posts to us, by the names of the configuration: a receipt or a message from a phone.

One callback tells of one message: where it lists several it is refused, for none of them may be lost. A state that
the configuration does not name is published as null, not final: what it was stands in the event's `raw`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.dialects.http import BadCallback
from bridge.dialects.json_paths import find, find_text, one_of_several
from bridge.model.ids import digest
from bridge.model.inbound import FINAL_STATES, Dr, DrState, Mo
from bridge.model.web import Callback

_DEEPEST = 16
_INTEGERS = range(-(2**63), 2**64)
_SHOWABLE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}", re.ASCII)

When = tuple[tuple[str, str | None], ...]
"""Fields that must be there, each with its value where it must have a certain one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptForm:
    """How receipts read. All but `when` and `states` are paths, named as in the configuration."""

    when: When
    id: str
    state: str
    states: Mapping[str, DrState] = field(default_factory=dict)
    error: str | None = None
    from_: str | None = None
    to: str | None = None
    done_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """How messages from phones read. All but `when` are paths, named as in the configuration."""

    when: When
    from_: str
    to: str
    text: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackForm:
    """How to tell receipts and messages apart, and to read both. The receipt is looked for first."""

    receipt: ReceiptForm | None = None
    message: MessageForm | None = None
    final_states: frozenset[DrState] = frozenset()

    def read(self, callback: Callback) -> Mo | Dr:
        """The MO or DR that it is. Raises BadCallback."""
        fields = callback.fields
        for name, value in fields.items():
            if not _is_publishable(name) or not _is_publishable(value):
                rule = "is nothing that can be published: text, numbers, and lists that are not too deep"
                raise BadCallback(name if _SHOWABLE.fullmatch(name) else "body", rule)
        if self.receipt and _applies(self.receipt.when, fields):
            return _dr(fields, self.receipt, self.final_states)
        if self.message and _applies(self.message.when, fields):
            return _mo(fields, self.message)
        raise BadCallback("body", "is neither a receipt nor a message that the configuration tells of")


def _is_publishable(value: Any, depth: int = 0) -> bool:
    """Whether an event can carry it."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, int):
        return value in _INTEGERS
    if isinstance(value, float):
        return value - value == 0  # neither NaN nor infinite
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(
            isinstance(name, str) and _is_publishable(name) and _is_publishable(inner, depth + 1)
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return all(_is_publishable(inner, depth + 1) for inner in value)
    return value is None


def _applies(when: When, fields: Mapping[str, Any]) -> bool:
    return all(
        find(fields, path) is not None if wanted is None else find_text(fields, path) == wanted
        for path, wanted in when
    )


def _required(fields: Mapping[str, Any], path: str) -> str:
    if one_of_several(fields, path):
        raise BadCallback(path, "is one of several; a callback may tell of one message")
    value = find_text(fields, path)
    if not value:
        raise BadCallback(path, "is missing")
    return value


def _dr(fields: Mapping[str, Any], form: ReceiptForm, final_states: frozenset[DrState]) -> Dr:
    message_id, written = _required(fields, form.id), _required(fields, form.state)
    state, error = form.states.get(written), find_text(fields, form.error)
    return Dr(
        ids=(message_id,),
        state=state,
        final=state in FINAL_STATES or state in final_states,
        error=error,
        network_error=None,
        submitted_at=None,
        done_at=_date(find_text(fields, form.done_at)),
        to=find_text(fields, form.to),
        from_=find_text(fields, form.from_),
        text=None,
        identity=digest(message_id, written, error or ""),
        raw={"fields": fields},
    )


def _mo(fields: Mapping[str, Any], form: MessageForm) -> Mo:
    from_, to = _required(fields, form.from_), _required(fields, form.to)
    text = find_text(fields, form.text)
    if text is None:
        raise BadCallback(form.text, "is missing")
    return Mo(
        id=find_text(fields, form.id) or None,
        from_=from_,
        to=to,
        text=text,
        data=None,
        encoding="utf-8",
        identity=digest(json.dumps(fields, sort_keys=True)),
        raw={"fields": fields},
    )


def _date(written: str | None) -> str | None:
    """ISO 8601, also where a space stands for its T; None for any other way of writing a date."""
    try:
        datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return written and written.replace(" ", "T", 1)
