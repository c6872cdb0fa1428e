"""The control port of an HTTP provider (`commands.py`). For demos that fail a site from outside.

`{"do": "kill" | "stop" | "start", "site": NAME}` (or `"port": NUMBER`; neither: all sites) · `{"do": "stats"}` ·
`{"do": "faults", "site": NAME, "faults": ["throttle:every=10"]}` replaces the faults (an empty list heals) ·
`{"do": "mo", "text": TEXT, "from": NUMBER, "to": NUMBER, "attachments": [{"content_type": TYPE, "content": BASE64}]}` ·
`{"do": "receipts", "count": N}`: N receipts of messages nobody sent.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from bridge.simulator.commands import CommandPort, CommandRefused
from bridge.simulator.http.behaviour import HttpBehaviour
from bridge.simulator.http.faults import HttpFault
from bridge.simulator.http.provider import HANDSET, SHORT_CODE, HttpProvider
from bridge.simulator.http.records import Attachment
from bridge.simulator.http.site import HttpSite


class HttpControl(CommandPort[HttpBehaviour]):
    """Commands to the sites of one HTTP provider."""

    def __init__(self, provider: HttpProvider, sites: Sequence[HttpSite]) -> None:
        super().__init__(provider, sites, HttpFault)
        self._http = provider

    def obey_too(self, command: dict[str, Any]) -> dict[str, Any]:
        """Texts from phones, and strange receipts."""
        match command.get("do"):
            case "mo":
                text, source, destination = (_text(command, key) for key in ("text", "from", "to"))
                sent = self._http.send_mo(
                    text,
                    source=source or HANDSET,
                    destination=destination or SHORT_CODE,
                    attachments=_attachments(command.get("attachments", [])),
                )
                return {"ids": [sent.ident]}
            case "receipts":
                return {"ids": self._http.send_strange_receipts(int(command.get("count", 1)))}
            case _:
                return super().obey_too(command)


def _text(command: dict[str, Any], key: str) -> str | None:
    value = command.get(key)
    if not isinstance(value, str | None):
        raise CommandRefused(f"{key}: must be a text")
    return value


def _attachments(written: Any) -> list[Attachment]:
    try:
        return [
            Attachment(str(part["content_type"]), base64.b64decode(part["content"], validate=True))
            for part in written
        ]
    except (binascii.Error, KeyError, TypeError, ValueError):
        raise CommandRefused("attachments: must be a list of content_type and content (Base64)") from None
