"""The JSON Schema of an MT's body: generated from the type that it is checked with, plus examples."""

from typing import Any

from bridge.outbound.body_shape import MT_BODY

EXAMPLES: list[dict[str, Any]] = [
    {"id": "order-4711", "to": "+447700900123", "text": "Your parcel is on its way."},
    {
        "id": "otp-9f2c",
        "to": "447700900123",
        "from": "Example",
        "text": "Your code is 123456",
        "encoding": "gsm",
        "receipt": "all",
        "expires_at": "2030-01-31T12:05:00+01:00",
        "priority": "interactive",
        "on_doubt": "resend",
        "app_id": "login",
        "conversation_id": "c-17",
        "metadata": {"user": 42},
        "tlvs": {"0x1400": "31323334"},
    },
    {
        "to": "447700900123",
        "data": "3q2+7w==",
        "udh": "0605040B8423F0",
        "encoding": "binary",
        "receipt": "none",
    },
    {
        "id": "mms-1",
        "to": "447700900123",
        "media": [{"content_type": "image/gif", "data": "R0lGODlhAQABAAAAACw="}],
    },
]
"""The third has no id: it needs an AMQP message_id."""


def mt_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of mt.v1. What it cannot say (Base64, sizes in all) its descriptions do."""
    generated = MT_BODY.json_schema()
    generated.pop("title")
    for prop in (*generated["properties"].values(), *generated["$defs"]["MediaPart"]["properties"].values()):
        prop.pop("title", None)
    generated["properties"]["tlvs"]["anyOf"][0]["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "mt.v1.json",
        "title": "MT",
        **generated,
        "oneOf": [_holds(kind) for kind in ("text", "data", "media")],
        "if": _holds("udh"),
        "then": _holds("data"),
        "examples": EXAMPLES,
    }


def _holds(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
