"""A provider in the manner of Twilio's Messages resource: basic authentication, forms in, JSON out, names of its own.

Media do not come in here: there they are URLs.
"""

import base64
import re
from collections.abc import Mapping, Sequence

import orjson

from bridge.simulator.http.form import BadForm, read_fields
from bridge.simulator.http.records import Answer, Asked, Attachment, Message
from bridge.simulator.http.style import Account

TAKEN = 0
NOT_AUTHENTICATED = 20003
WRONG_METHOD = 20004
TOO_MANY = 20429
BAD_NUMBER = 21211
NO_BODY = 21602
NO_FROM = 21603
NO_TO = 21604

REFUSALS: Mapping[int, tuple[int, str]] = {
    NOT_AUTHENTICATED: (401, "Authenticate"),
    WRONG_METHOD: (405, "Method not allowed"),
    TOO_MANY: (429, "Too Many Requests"),
    BAD_NUMBER: (400, "Invalid 'To' Phone Number"),
    NO_BODY: (400, "Message body is required"),
    NO_FROM: (400, "A 'From' phone number is required"),
    NO_TO: (400, "A 'To' phone number is required"),
}
"""HTTP status and words of each code; every other one is a 400."""

STATUSES: Mapping[int, str] = {
    1: "sent",
    2: "delivered",
    3: "undelivered",
    4: "failed",
    5: "undelivered",
    6: "sent",
    7: "sent",
    8: "failed",
}
LONGEST_SHORT_CODE = 6

_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)


class TwilioStyle:
    """The account of one client: its login is the account's SID, and part of the path."""

    throttled = TOO_MANY
    duplicate: int | None = None

    def __init__(self, account: Account) -> None:
        self._sid = account.login
        pair = f"{account.login}:{account.password}".encode()
        self._authorization = f"Basic {base64.b64encode(pair).decode()}"

    @property
    def path(self) -> str:
        """The account's messages."""
        return f"/2010-04-01/Accounts/{self._sid}/Messages.json"

    def read(self, asked: Asked, number: int) -> Message:
        """The message."""
        ident = _sid(number)
        if asked.authorization != self._authorization:
            return Message(ident=ident, fields={}, code=NOT_AUTHENTICATED)
        if asked.method != "POST":
            return Message(ident=ident, fields={}, code=WRONG_METHOD)
        try:
            fields = read_fields(asked)
        except BadForm:
            fields = {}
        return Message(ident=ident, fields=fields, code=_judge(fields), wants_receipt=True)

    def answer(self, message: Message, code: int) -> Answer:
        """201 and the message's SID, or why not."""
        if code == TAKEN:
            return _json(201, {"sid": message.ident, "status": "queued", "error_code": None})
        status, words = REFUSALS.get(code, (400, "Refused"))
        return _json(status, {"code": code, "message": words, "status": status})

    def receipt(self, message: Message, state: int, code: int) -> dict[str, str]:
        """A status callback; ErrorCode only where something went wrong."""
        fields = {
            "AccountSid": self._sid,
            "MessageSid": message.ident,
            "MessageStatus": STATUSES[state],
            "To": message.fields.get("To", ""),
            "From": message.fields.get("From", ""),
        }
        return fields | ({"ErrorCode": str(code)} if code else {})

    def mo_ident(self, number: int) -> str:
        """A SID like those of messages sent."""
        return _sid(number)

    def mo(
        self, ident: str, text: str, source: str, destination: str, attachments: Sequence[Attachment]
    ) -> dict[str, str]:
        """Numbers with a plus, short codes without."""
        if attachments:
            raise ValueError("attachments: this kind of provider has none here")
        return {
            "AccountSid": self._sid,
            "MessageSid": ident,
            "From": _written(source),
            "To": _written(destination),
            "Body": text,
            "NumMedia": "0",
        }


def _judge(fields: Mapping[str, str]) -> int:
    if not fields.get("To"):
        return NO_TO
    if not fields.get("From"):
        return NO_FROM
    if not fields.get("Body"):
        return NO_BODY
    return TAKEN if _E164.fullmatch(fields["To"]) else BAD_NUMBER


def _json(status: int, said: Mapping[str, str | int | None]) -> Answer:
    return Answer(status=status, body=orjson.dumps(said), content_type="application/json")


def _sid(number: int) -> str:
    return f"SM{number:032x}"


def _written(number: str) -> str:
    return number if number.startswith("+") or len(number) <= LONGEST_SHORT_CODE else f"+{number}"
