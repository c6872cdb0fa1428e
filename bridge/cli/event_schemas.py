"""JSON Schemas of the events, with examples. The events themselves are made in `model/events`.

Every field is always there, null where nothing is known. More fields may come in later versions, so a consumer
ignores what it does not know.
"""

from typing import Any, get_args

from bridge.model.events import MtOutcome, SiteState, Via
from bridge.model.inbound import DrState

Schema = dict[str, Any]


def _string(description: str) -> Schema:
    return {"type": "string", "description": description}


def _or_null(schema: Schema) -> Schema:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {**schema, "enum": [*schema["enum"], None]}


def _words(literal: Any, description: str) -> Schema:
    return {"enum": list(get_args(literal)), "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _count(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


def _object(properties: dict[str, Schema], description: str = "") -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {**schema, "description": description} if description else schema


_INSTANT = {"type": "string", "format": "date-time"}
_FREE: dict[str, Schema] = {
    "app_id": _or_null(_string("As in the MT.")),
    "conversation_id": _or_null(_string("As in the MT.")),
    "metadata": {"type": ["object", "null"], "description": "As in the MT."},
}
_RAW: Schema = {
    "type": "object",
    "description": "As it came. A PDU: data_coding, esm_class, short_message (hex), tlvs (hex by tag); of several"
    " segments the first that is there, its short_message being the joined octets of all. A callback: fields.",
}
_ATTEMPT = _object(
    {
        "at": {**_INSTANT, "description": "When, UTC."},
        "provider": _string("To whom."),
        "site": _string("To which data centre."),
        "link": _string("Through which bind or endpoint."),
        "result": _string("A short word, with the status in hex where there is one."),
    }
)


def _event(kind: str, title: str, own: dict[str, Schema], examples: list[Schema]) -> Schema:
    common: dict[str, Schema] = {
        "type": {"const": kind},
        "event_id": _string("Stable: an event published twice has the same id. The AMQP message_id."),
        "at": {**_INSTANT, "description": "When the bridge made the event, UTC."},
        "provider": _or_null(_string("The provider it concerns.")),
        "site": _or_null(_string("The site of the link.")),
        "via": _or_null(_words(Via, "The kind of link.")),
        "link": _or_null(_string("The bind or endpoint that brought it.")),
        "possible_duplicate": _flag("The MT was sent again in doubt: the phone may have got it twice."),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{'mt-event' if kind == 'mt' else kind}.v1.json",
        "title": title,
        **_object({**common, **own}),
        "examples": examples,
    }


def mt_event_schema() -> Schema:
    """Routing key mt.<route>.<outcome>."""
    own = {
        "id": _or_null(_string("The MT's id; null where its body could not be read.")),
        "outcome": _words(MtOutcome, "What became of it; resent and resolved are no ends."),
        "smsc_ids": _list(
            {"type": ["string", "null"]}, "The provider's ids, one per segment, as far as known."
        ),
        "segments": _count("PDUs it took."),
        "reason": _or_null(_string("Why, in a short sentence.")),
        "status": {
            "type": ["integer", "null"],
            "description": "The provider's last status, command_status for SMPP.",
        },
        "attempts": _list(_ATTEMPT, "The last 16 attempts, oldest first."),
        **_FREE,
    }
    return _event("mt", "What became of an MT", own, [_MT_EXAMPLE])


def dr_schema() -> Schema:
    """Routing key dr.<provider>.<state>."""
    own = {
        "mt_id": _or_null(_string("The MT it speaks of; null if not known.")),
        "smsc_id": _or_null(
            _string("The provider's id: as stored at submission where matched, else as received.")
        ),
        "state": _or_null(_words(DrState, "SMPP's words.")),
        "final": _flag("Nothing follows it; false also where no final receipt came in time."),
        "error": _or_null(_string("The provider's error, as it writes it.")),
        "network_error": _or_null(_string("The network's error, where given.")),
        "submitted_at": _or_null(_string("ISO 8601 to the precision written, an offset only if written.")),
        "done_at": _or_null(_string("ISO 8601 to the precision written, an offset only if written.")),
        "to": _or_null(
            _string("Our number, as the provider writes it; null where it writes none, or no receipt came.")
        ),
        "from": _or_null(
            _string(
                "Who the receipt speaks of: the handset, as the provider writes it, else as in the MT; null where"
                " neither is known."
            )
        ),
        "segment": {
            **_object(
                {"n": _count("From 1."), "of": _count("In all.")},
                "Which segment of a long MT; null where it speaks of the whole MT.",
            ),
            "type": ["object", "null"],
        },
        "joined": _flag("It is the MT's one receipt, over all its segments."),
        "matched": _flag("Its MT is known."),
        "stale": _flag("It came after a final one."),
        "text": _or_null(_string("The text of the receipt.")),
        **_FREE,
        "raw": {**_RAW, "type": ["object", "null"]},
    }
    return _event("dr", "A delivery receipt", own, [_DR_EXAMPLE])


def mo_schema() -> Schema:
    """Routing key mo.<provider>.<to>."""
    ports = _object({"dst": _count("To."), "src": _count("From.")}, "Application ports, where given.")
    own = {
        "id": _or_null(_string("The provider's id, where it gives one.")),
        "from": _string("The phone, as the provider writes it."),
        "to": _string("Our number, as the provider writes it."),
        "text": _or_null(_string("The message; null where it is octets.")),
        "data": _or_null(
            {**_string("The octets, Base64; null where it is text."), "contentEncoding": "base64"}
        ),
        "encoding": _string("What it was read as."),
        "segments": _count("In how many the phone sent it."),
        "complete": _flag("All of them came in time; if not, text and data are what is there."),
        "ports": {**ports, "type": ["object", "null"]},
        "carrier": _or_null(_string("The phone's operator, where given.")),
        "media": _list({"type": "object"}, "MMS parts: content_type and data (Base64)."),
        "raw": _RAW,
    }
    return _event("mo", "A message from a phone", own, [_MO_EXAMPLE])


def site_schema() -> Schema:
    """Routing key site.<provider>.<site>.<state>."""
    own = {
        "state": _words(SiteState, "Of the site, as this worker sees it; alarm wants a person."),
        "reason": _or_null(_string("Why, in a short sentence.")),
        "links": _object({"up": _count("Links up."), "total": _count("Links in all.")}),
        "worker": _string("Who says so."),
    }
    return _event("site", "A provider's site changed state", own, [_SITE_EXAMPLE])


_ORIGIN = {"provider": "genesys", "site": "dc3", "via": "smpp", "link": "smsc1.dc3.genesyscloud.com:2775"}
_OF_MT = {"app_id": "login", "conversation_id": None, "metadata": {"user": 42}}
_MT_EXAMPLE: Schema = {
    "type": "mt",
    "event_id": "mt-0f8e3f2f8d9b4a51a1c3d5e7f9b1c3d5",
    "at": "2030-01-31T12:00:01.250Z",
    **_ORIGIN,
    "possible_duplicate": False,
    "id": "otp-9f2c",
    "outcome": "rejected",
    "smsc_ids": [],
    "segments": 1,
    "reason": "ESME_RINVDSTADR (0x0B)",
    "status": 11,
    "attempts": [
        {
            "at": "2030-01-31T12:00:01.201Z",
            "provider": "genesys",
            "site": "dc3",
            "link": "smsc1.dc3.genesyscloud.com:2775",
            "result": "rejected 0x0B",
        }
    ],
    **_OF_MT,
}
_DR_EXAMPLE: Schema = {
    "type": "dr",
    "event_id": "dr-5b1d7c9e0a2f4b6d8e0f1a3b5c7d9e1f",
    "at": "2030-01-31T12:00:09.004Z",
    **_ORIGIN,
    "site": "bos",
    "link": "smsc2.bos.genesyscloud.com:2775",
    "possible_duplicate": False,
    "mt_id": "otp-9f2c",
    "smsc_id": "7220bb6f",
    "state": "delivered",
    "final": True,
    "error": "000",
    "network_error": None,
    "submitted_at": "2030-01-31T12:00",
    "done_at": "2030-01-31T12:00",
    "to": "12345",
    "from": "447700900123",
    "segment": None,
    "joined": True,
    "matched": True,
    "stale": False,
    "text": "",
    **_OF_MT,
    "raw": {"data_coding": 0, "esm_class": 4, "short_message": "69643a37323230626236662e2e2e", "tlvs": {}},
}
_MO_EXAMPLE: Schema = {
    "type": "mo",
    "event_id": "mo-93c0a1b2c3d4e5f60718293a4b5c6d7e",
    "at": "2030-01-31T12:03:30.000Z",
    **_ORIGIN,
    "possible_duplicate": False,
    "id": None,
    "from": "447700900123",
    "to": "12345",
    "text": "YES",
    "data": None,
    "encoding": "gsm",
    "segments": 1,
    "complete": True,
    "ports": None,
    "carrier": None,
    "media": [],
    "raw": {"data_coding": 0, "esm_class": 0, "short_message": "594553", "tlvs": {}},
}
_SITE_EXAMPLE: Schema = {
    "type": "site",
    "event_id": "site-2d4f6a8c0e1b3d5f7a9c1e3b5d7f9a1c",
    "at": "2030-01-31T12:10:00.000Z",
    "provider": "genesys",
    "site": "bos",
    "via": None,
    "link": None,
    "possible_duplicate": False,
    "state": "down",
    "reason": "connection refused",
    "links": {"up": 0, "total": 2},
    "worker": "worker-1",
}
