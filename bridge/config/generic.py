"""How to speak to any HTTP API (dialect generic-http): what a request says, what an answer and a callback mean."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from bridge.config.shapes import ProblemAt, Section, problem, raise_problems
from bridge.config.templates import FieldTemplates, HeaderName, HeaderTemplate, PathTemplate
from bridge.model.inbound import DrState
from bridge.model.template import NOTHING, templates_in

ValuePath = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""The name of a field, or the way to a value in JSON: messages.0.message-id."""
HttpStatus = Annotated[int, Field(ge=100, le=599)]
AnswerWord = Literal["accepted", "rejected", "retry", "throttled", "account", "duplicate", "doubt"]

_STATUSES_SCHEMA = {
    "type": "object",
    "propertyNames": {"pattern": "^[1-5][0-9]{2}$"},
    "additionalProperties": {"enum": list(AnswerWord.__args__)},  # type: ignore[attr-defined]
}


def _read_when(value: object) -> tuple[tuple[str, str | None], ...]:
    """A field, several, or fields with the values they must have."""
    wanted: dict[Any, Any] = (
        value if isinstance(value, dict) else dict.fromkeys(value if isinstance(value, list) else [value])
    )
    if not wanted or not all(isinstance(name, str) and name for name in wanted):
        raise problem("must name a field, a list of fields, or fields with their values")
    if isinstance(value, dict) and not all(isinstance(text, str) for text in value.values()):
        raise problem("must give each field a single value")
    return tuple(wanted.items())


When = Annotated[
    tuple[tuple[str, str | None], ...],
    PlainValidator(_read_when),
    PlainSerializer(dict),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
            ]
        }
    ),
]


class RequestSettings(Section):
    """How an MT is said. {name} stands for a value, {{ and }} for single braces.

    Names: id, to, to_plus, to_digits, from, text, data (Base64), priority (0-3), receipt (true or false), expires_at,
    carrier, app_id, conversation_id, login, password. A field of which no name has a value is left out.
    """

    method: Literal["POST", "GET", "PUT"] = "POST"
    """The HTTP method."""
    path: PathTemplate = Field(default=NOTHING, json_schema_extra={"default": ""})
    """What follows the URL of the site; may hold names that every MT has."""
    headers: dict[HeaderName, HeaderTemplate] = Field(default={})
    """Headers beside Content-Type and Authorization, which `format` and `auth` set."""
    auth: Literal["none", "basic", "bearer"] = "none"
    """`basic`: login and password; `bearer`: the password as token."""
    format: Literal["form", "json", "query"] = "form"
    """Where the fields go: a form or JSON in the body, or the query of the URL."""
    fields: FieldTemplates = Field(default={})
    """The fields of the request. In JSON they may be lists and objects; a name by itself may be a number or flag."""

    @property
    def names(self) -> frozenset[str]:
        """All the names in it."""
        templates = (self.path, *self.headers.values(), *templates_in(self.fields))
        return frozenset(name for template in templates for name in template.names)

    @model_validator(mode="after")
    def _says_enough(self) -> "RequestSettings":
        problems: list[ProblemAt] = []
        if self.method == "GET" and self.format != "query":
            problems.append((("method",), "GET has no body: it needs format: query"))
        problems += [
            (("headers", name), f"is set by auth: {self.auth}")
            for name in self.headers
            if name.lower() == "authorization" and self.auth != "none"
        ]
        for needed in (("to", "to_plus", "to_digits"), ("text", "data")):
            if not self.names & set(needed):
                problems.append(((), f"says nowhere {' or '.join(f'{{{name}}}' for name in needed)}"))
        raise_problems(self, problems)
        return self


class AnswerSettings(Section):
    """What an answer means: the result in its body if that is named here, else its status."""

    accepted: tuple[HttpStatus, ...] = ()
    """Statuses of an accepted message; empty: 200 to 299."""
    format: Literal["json", "form", "text"] = "json"
    """What the body is. The text is called `body`."""
    id: ValuePath | None = None
    """Where the provider's id of the message is; without it {id} of the request is its name."""
    result: ValuePath | None = None
    """Where the result is."""
    results: dict[str, AnswerWord] = Field(default={})
    """What the results mean. One that is not here, in an answer that accepts, is doubt."""
    statuses: Annotated[dict[HttpStatus, AnswerWord], WithJsonSchema(_STATUSES_SCHEMA)] = Field(default={})
    """What statuses mean, where it is not the usual; `account` stops the endpoint until somebody has looked."""
    error: ValuePath | None = None
    """Where an explanation is, for the reason in events. Not one that repeats the message's text."""

    @model_validator(mode="after")
    def _results_are_somewhere(self) -> "AnswerSettings":
        missing = self.results and self.result is None
        raise_problems(self, [(("results",), "needs result: where they are")] if missing else [])
        return self


class ReceiptSettings(Section):
    """How receipts read."""

    when: When
    """How to know one: a field that is there, several, or fields with their values."""
    id: ValuePath
    """Where the id of the message is."""
    state: ValuePath
    """Where the state is."""
    states: Annotated[dict[str, DrState], Field(min_length=1)]
    """Their words for states, with ours. The state of a word that is not here is null."""
    error: ValuePath | None = None
    """Where the error is."""
    from_: ValuePath | None = Field(default=None, alias="from")
    """Where the phone's number is."""
    to: ValuePath | None = None
    """Where our number is."""
    done_at: ValuePath | None = None
    """Where the time of the state is, if in ISO 8601."""


class MessageSettings(Section):
    """How messages from phones read."""

    when: When
    """How to know one: a field that is there, several, or fields with their values."""
    from_: ValuePath = Field(alias="from")
    """Where the phone's number is."""
    to: ValuePath
    """Where our number is."""
    text: ValuePath
    """Where the text is."""
    id: ValuePath | None = None
    """Where the provider's id of the message is; without it an equal one a moment later is taken for a repeat."""


class CallbackFormSettings(Section):
    """What the provider posts to the bridge: fields of a form by name, values in JSON by their way (results.0.id)."""

    receipt: ReceiptSettings | None = None
    """Receipts; looked for before messages."""
    message: MessageSettings | None = None
    """Messages from phones."""

    @model_validator(mode="after")
    def _reads_something(self) -> "CallbackFormSettings":
        problems: list[ProblemAt] = [] if self.receipt or self.message else [((), "needs receipt or message")]
        raise_problems(self, problems)
        return self
