"""A provider as the Genesys SMS Aggregation Service is over HTTP: one path, forms, and a number for an answer."""

import base64
from collections.abc import Mapping, Sequence

from bridge.simulator.http.form import BadForm, read_attachments, read_fields
from bridge.simulator.http.records import Answer, Asked, Attachment, Message
from bridge.simulator.http.style import Account

TAKEN = 0
INVALID = 1
WRONG_CREDENTIALS = 2
SENDER_NOT_NUMERIC = 4
THROTTLED = 6
DUPLICATE = 7

MANDATORY = ("login", "password", "phone_number", "sender", "message", "message_id")
MAY_BE_EMPTY = "message"
PRIORITIES = frozenset({"BULK_LOW", "BULK", "INTERACTIVE_LOW", "INTERACTIVE"})
CARRIER = "99901"
"""Of all MOs here: the one that client code uses for unknown."""


class GenesysStyle:
    """The account of one client. The name left of `=` in answers is not public: clients must not look at it."""

    throttled = THROTTLED
    duplicate: int | None = DUPLICATE
    path = "/httpapi/receiver"

    def __init__(self, account: Account) -> None:
        self._account = account

    def read(self, asked: Asked, number: int) -> Message:  # noqa: ARG002 - the client names its messages
        """The message."""
        try:
            fields = read_fields(asked)
            attachments = read_attachments(fields)
        except BadForm:
            return Message(ident="", fields={}, code=INVALID)
        code = self._judge(fields)
        fields.pop("login", None)
        fields.pop("password", None)
        return Message(
            ident=fields.get("message_id", ""),
            fields=fields,
            attachments=attachments,
            code=code,
            wants_receipt=fields.get("receipt") == "TRUE",
        )

    def _judge(self, fields: Mapping[str, str]) -> int:
        for name in MANDATORY:
            if not fields.get(name) and not (name == MAY_BE_EMPTY and name in fields):
                return INVALID
        if (fields["login"], fields["password"]) != (self._account.login, self._account.password):
            return WRONG_CREDENTIALS
        if not _is_number(fields["phone_number"]):
            return INVALID
        if fields.get("priority", "BULK") not in PRIORITIES:
            return INVALID
        if fields.get("receipt", "FALSE") not in ("TRUE", "FALSE"):
            return INVALID
        return TAKEN if _is_number(fields["sender"]) else SENDER_NOT_NUMERIC

    def answer(self, message: Message, code: int) -> Answer:  # noqa: ARG002 - the number is all it says
        """`Result=<code>`, always with HTTP's OK."""
        return Answer(status=200, body=b"Result=%d" % code)

    def receipt(self, message: Message, state: int, code: int) -> dict[str, str]:
        """No number, no time: the client's own id is all there is to know the message by."""
        fields = {
            "type": "receipt",
            "message_id": message.ident,
            "message_state": str(state),
            "result_code": str(code),
        }
        return fields | {
            key: message.fields[key] for key in ("app_id", "conversation_id") if key in message.fields
        }

    def mo_ident(self, number: int) -> str:
        """Any unique text."""
        return f"mo-{number}"

    def mo(
        self, ident: str, text: str, source: str, destination: str, attachments: Sequence[Attachment]
    ) -> dict[str, str]:
        """What comes in calls our number `shortcode`."""
        fields = {
            "type": "MO",
            "message_id": ident,
            "shortcode": destination,
            "phone_number": source,
            "carrier": CARRIER,
            "message": text,
        }
        for number, attachment in enumerate(attachments):
            fields[f"mms_attachment[{number}].content_type"] = attachment.content_type
            fields[f"mms_attachment[{number}].content"] = base64.b64encode(attachment.content).decode()
        return fields


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
