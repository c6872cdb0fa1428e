"""What any HTTP API answers, by the words of the configuration: first the result in the body, then the status.

Where neither is named there, the status means what it usually does. A success that does not say what it should
(no id where there is to be one, a result that nobody named) is doubt: another server may have answered.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from bridge.dialects.http import Effect, Reading
from bridge.dialects.http_status import reading_of_status
from bridge.dialects.json_paths import find_text
from bridge.dialects.quoted import origin, quoted
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected, RetryLater, Throttled
from bridge.model.web import HttpAnswer

AnswerWord = Literal["accepted", "rejected", "retry", "throttled", "account", "duplicate", "doubt"]
AnswerFormat = Literal["json", "form", "text"]

_REFUSALS: Mapping[AnswerWord, Callable[[int, str], Outcome]] = {
    "rejected": Rejected,
    "retry": RetryLater,
    "throttled": Throttled,
    "account": lambda status, reason: NotSent(reason, status),
    "doubt": lambda _, reason: Doubt(reason),
}
_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerForm:
    """How answers read. Fields are named as in the configuration; `accepted` empty: every 2XX."""

    accepted: frozenset[int] = frozenset()
    format: AnswerFormat = "json"
    id: str | None = None
    result: str | None = None
    results: Mapping[str, AnswerWord] = field(default_factory=dict)
    statuses: Mapping[int, AnswerWord] = field(default_factory=dict)
    error: str | None = None

    def read(self, answer: HttpAnswer, ident: str) -> Reading:
        """What it says of the MT with this `ident`."""
        body = _read_body(answer.body, self.format)
        name, result = find_text(body, self.id), find_text(body, self.result)
        said = ": ".join(quoted(part) for part in (result, find_text(body, self.error)) if part)
        reason = f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}"
        word = self._word(answer.status, result)
        if word is None:
            return reading_of_status(answer.status, origin(answer.location), said)
        if word == "accepted":
            missing = self.id if self.id is not None and not name else None
            if body is None:
                missing = missing or self.result
            return Reading(Doubt(f"{reason}: has no {missing}") if missing else Accepted(name or ident))
        status = _number(result, answer.status)
        if word == "duplicate":
            return Reading(Duplicate(name or ident, status, reason))
        return Reading(_REFUSALS[word](status, reason), Effect.STOP if word == "account" else Effect.NONE)

    def _word(self, status: int, result: str | None) -> AnswerWord | None:
        word = (None if result is None else self.results.get(result)) or self.statuses.get(status)
        if word is not None:
            return word
        if status in self.accepted or (not self.accepted and 200 <= status < 300):
            return "accepted" if result is None or not self.results else "doubt"
        return None


def _read_body(body: bytes, form: AnswerFormat) -> Any:
    """The body as data; None if it is not what it should be."""
    try:
        if form == "json":
            return json.loads(body)
        text = body.decode()
    except (ValueError, RecursionError):
        return None
    if form == "form":
        return dict(parse_qsl(text.strip(), keep_blank_values=True)) or None
    return {"body": text.strip()}


def _number(result: str | None, status: int) -> int:
    """The number to show beside the reason: the result, if it is one."""
    is_number = (
        result is not None and result.isascii() and result.isdigit() and len(result) <= _LONGEST_NUMBER
    )
    return int(result) if result and is_number else status
