"""The bodies of the events field by field (contract, section 3), their ids and their routing keys (section 2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.attempt import Attempt
from bridge.model.events import (
    NO_ORIGIN,
    Event,
    MtLink,
    MtReport,
    Origin,
    SiteReport,
    dr_event,
    key_part,
    mo_event,
    mt_event,
    overdue_event,
    routing_key,
    site_event,
)
from bridge.model.inbound import Dr, Mo, Ports
from bridge.model.mt import Mt

NOW, AT = 1795363200.123, "2026-11-22T16:00:00.123Z"
BIND = Origin("genesys", "dc3", "smpp", "smsc1:2775")
RAW = {"data_coding": 0, "esm_class": 4, "short_message": "6964", "tlvs": {"0x001E": "31"}}


def common(kind: str, *, possible_duplicate: bool = False) -> dict[str, Any]:
    """What every event says that BIND has a part in."""
    return {
        "type": kind,
        "event_id": f"{kind}-1",
        "at": AT,
        "provider": "genesys",
        "site": "dc3",
        "via": "smpp",
        "link": "smsc1:2775",
        "possible_duplicate": possible_duplicate,
    }


NOWHERE = {"provider": None, "site": None, "via": None, "link": None}

# Outcomes of MTs

MT = Mt(id="m-1", to="447700900123", app_id="shop", conversation_id="c-9", metadata={"order": [7]})


def test_an_mt_event() -> None:
    report = MtReport(
        outcome="rejected",
        reason="ESME_RINVDSTADR (0xB)",
        status=11,
        smsc_ids=("a1", None),
        segments=2,
        attempts=[Attempt(AT, "genesys", "dc3", "smsc1:2775", "rejected 0xB")],
        possible_duplicate=True,
        origin=BIND,
    )
    assert mt_event("m-1", MT, "default", report, "mt-1", NOW) == Event(
        kind="mt",
        event_id="mt-1",
        routing_key="mt.default.rejected",
        correlation_id="m-1",
        body=common("mt", possible_duplicate=True)
        | {
            "id": "m-1",
            "outcome": "rejected",
            "smsc_ids": ["a1", None],
            "segments": 2,
            "reason": "ESME_RINVDSTADR (0xB)",
            "status": 11,
            "attempts": [
                {
                    "at": AT,
                    "provider": "genesys",
                    "site": "dc3",
                    "link": "smsc1:2775",
                    "result": "rejected 0xB",
                }
            ],
            "app_id": "shop",
            "conversation_id": "c-9",
            "metadata": {"order": [7]},
        },
    )


def test_the_event_of_an_mt_that_nobody_could_read() -> None:
    event = mt_event(None, None, "default", MtReport(outcome="invalid", reason="to: missing"), "mt-1", NOW)
    assert event == Event(
        kind="mt",
        event_id="mt-1",
        routing_key="mt.default.invalid",
        correlation_id=None,
        body=common("mt")
        | NOWHERE
        | {
            "id": None,
            "outcome": "invalid",
            "smsc_ids": [],
            "segments": 1,
            "reason": "to: missing",
            "status": None,
            "attempts": [],
            "app_id": None,
            "conversation_id": None,
            "metadata": None,
        },
    )


# Receipts

DR = Dr(
    ids=("0a1b", "2587"),
    state="delivered",
    final=True,
    error="000",
    network_error="3:0",
    submitted_at="2026-11-22T15:59",
    done_at="2026-11-22T16:00",
    to="12345",
    from_="447700900123",
    text="hello",
    identity=b"i",
    raw=RAW,
)
DR_FIELDS: dict[str, Any] = {
    "state": "delivered",
    "final": True,
    "error": "000",
    "network_error": "3:0",
    "submitted_at": "2026-11-22T15:59",
    "done_at": "2026-11-22T16:00",
    "to": "12345",
    "from": "447700900123",
    "segment": None,
    "text": "hello",
    "raw": RAW,
}


def test_the_event_of_a_receipt_whose_mt_is_known() -> None:
    """The id is the one of the submission's answer, whatever the receipt calls it."""
    mt = MtLink(
        mt_id="m-1",
        smsc_id="0A1B",
        app_id="shop",
        conversation_id="c-9",
        metadata={"order": [7]},
        possible_duplicate=True,
    )
    assert dr_event(DR, mt, BIND, "dr-1", NOW, stale=False, joined=True) == Event(
        kind="dr",
        event_id="dr-1",
        routing_key="dr.genesys.delivered",
        correlation_id="m-1",
        body=common("dr", possible_duplicate=True)
        | DR_FIELDS
        | {
            "mt_id": "m-1",
            "smsc_id": "0A1B",
            "joined": True,
            "matched": True,
            "stale": False,
            "app_id": "shop",
            "conversation_id": "c-9",
            "metadata": {"order": [7]},
        },
    )


def test_the_event_of_a_receipt_whose_mt_is_not_known() -> None:
    assert dr_event(DR, None, BIND, "dr-1", NOW, stale=False, joined=False) == Event(
        kind="dr",
        event_id="dr-1",
        routing_key="dr.genesys.delivered",
        correlation_id=None,
        body=common("dr")
        | DR_FIELDS
        | {
            "mt_id": None,
            "smsc_id": "0a1b",
            "joined": False,
            "matched": False,
            "stale": False,
            "app_id": None,
            "conversation_id": None,
            "metadata": None,
        },
    )


def test_a_receipt_that_says_next_to_nothing() -> None:
    dr = Dr(
        ids=(),
        state=None,
        final=False,
        error=None,
        network_error=None,
        submitted_at=None,
        done_at=None,
        to="",
        from_="",
        text=None,
        identity=b"",
    )
    event = dr_event(dr, None, NO_ORIGIN, "dr-1", NOW, stale=True, joined=False)
    assert event.routing_key == "dr.unknown.unknown"
    assert event.body == common("dr") | NOWHERE | dict.fromkeys(DR_FIELDS) | {
        "mt_id": None,
        "smsc_id": None,
        "final": False,
        "to": "",
        "from": "",
        "joined": False,
        "matched": False,
        "stale": True,
        "app_id": None,
        "conversation_id": None,
        "metadata": None,
        "raw": {},
    }


def test_the_receipt_of_a_segment_says_which_and_the_joined_one_speaks_of_the_whole() -> None:
    mt = MtLink(mt_id="m-1", smsc_id="0A1B", segment=(2, 3))
    own = dr_event(DR, mt, BIND, "dr-1", NOW, stale=False, joined=False).body
    joined = dr_event(DR, mt, BIND, "dr-2", NOW, stale=False, joined=True).body
    assert (own["segment"], own["joined"]) == ({"n": 2, "of": 3}, False)
    assert (joined["segment"], joined["joined"]) == (None, True)


def test_the_event_in_place_of_a_receipt_that_never_came() -> None:
    mt = MtLink(mt_id="m-1", smsc_id="0A1B", metadata={"order": [7]}, segment=(1, 2))
    event = overdue_event(mt, "+447700900123", None, "genesys", "dr-9", NOW)
    assert event == Event(
        kind="dr",
        event_id="dr-9",
        routing_key="dr.genesys.unknown",
        correlation_id="m-1",
        body=common("dr")
        | NOWHERE
        | dict.fromkeys(DR_FIELDS)
        | {
            "event_id": "dr-9",
            "provider": "genesys",
            "mt_id": "m-1",
            "smsc_id": "0A1B",
            "final": False,
            "from": "+447700900123",
            "joined": True,
            "matched": True,
            "stale": False,
            "app_id": None,
            "conversation_id": None,
            "metadata": {"order": [7]},
        },
    )
    known = overdue_event(mt, "+447700900123", "accepted", "genesys", "dr-9", NOW)
    assert (known.routing_key, known.body["state"]) == ("dr.genesys.accepted", "accepted")


# Messages from phones


def test_the_event_of_a_message_from_a_phone() -> None:
    mo = Mo(
        id=None,
        from_="447700900123",
        to="12345",
        text="YES",
        data=None,
        encoding="gsm",
        identity=b"i",
        raw=RAW,
    )
    assert mo_event(mo, BIND, "mo-1", NOW) == Event(
        kind="mo",
        event_id="mo-1",
        routing_key="mo.genesys.12345",
        correlation_id=None,
        body=common("mo")
        | {
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
            "raw": RAW,
        },
    )


def test_the_event_of_octets_from_a_phone() -> None:
    mo = Mo(
        id="x-1",
        from_="447700900123",
        to="",
        text=None,
        data=b"\x00\xff\xfe",
        encoding="binary",
        identity=b"i",
        ports=Ports(dst=16000, src=0),
        carrier="310410",
        media=({"content_type": "image/png", "data": "AA=="},),
    )
    event = mo_event(mo, BIND, "mo-1", NOW)
    assert event.routing_key == "mo.genesys.unknown"
    assert event.body == common("mo") | {
        "id": "x-1",
        "from": "447700900123",
        "to": "",
        "text": None,
        "data": "AP/+",
        "encoding": "binary",
        "segments": 1,
        "complete": True,
        "ports": {"dst": 16000, "src": 0},
        "carrier": "310410",
        "media": [{"content_type": "image/png", "data": "AA=="}],
        "raw": {},
    }


@pytest.mark.parametrize(("data", "shown"), [(None, None), (b"", "")])
def test_no_octets_are_not_nothing(data: bytes | None, shown: str | None) -> None:
    mo = Mo(id=None, from_="1", to="2", text=None, data=data, encoding="binary", identity=b"")
    assert mo_event(mo, BIND, "mo-1", NOW).body["data"] == shown


# Sites


def test_the_event_of_a_site() -> None:
    report = SiteReport(
        provider="genesys",
        site="dc3",
        state="degraded",
        reason="connection refused",
        links_up=1,
        links_total=2,
        worker="w1",
    )
    assert site_event(report, "site-1", NOW) == Event(
        kind="site",
        event_id="site-1",
        routing_key="site.genesys.dc3.degraded",
        correlation_id=None,
        body=common("site")
        | {
            "via": None,
            "link": None,
            "state": "degraded",
            "reason": "connection refused",
            "links": {"up": 1, "total": 2},
            "worker": "w1",
        },
    )


def test_an_alarm_names_its_link() -> None:
    report = SiteReport(
        provider="genesys",
        site="dc3",
        state="alarm",
        reason="ESME_RINVPASWD (0xE)",
        links_up=0,
        links_total=2,
        worker="w1",
        via="smpp",
        link="smsc1:2775",
    )
    event = site_event(report, "site-1", NOW)
    assert event.routing_key == "site.genesys.dc3.alarm"
    assert event.body["via"] == "smpp"
    assert event.body["link"] == "smsc1:2775"


# Routing keys


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("12345", "12345"),
        ("a.b..c", "a_b__c"),
        (".", "_"),
        ("", "unknown"),
        (None, "unknown"),
        ("é*#", "é*#"),
    ],
)
def test_a_part_of_a_key(part: str | None, shown: str) -> None:
    assert key_part(part) == shown


def test_numbers_with_dots_stay_one_part() -> None:
    mo = Mo(id=None, from_="1", to="sms.example.com", text="", data=None, encoding="gsm", identity=b"")
    assert mo_event(mo, BIND, "mo-1", NOW).routing_key == "mo.genesys.sms_example_com"


@given(st.lists(st.none() | st.text(max_size=80), min_size=1, max_size=6))
def test_a_key_has_its_parts_and_fits_into_amqp(parts: list[str | None]) -> None:
    key = routing_key(*parts)
    whole = ".".join(map(key_part, parts))
    assert whole.startswith(key)
    assert key == whole or 252 <= len(key.encode()) <= 255, "cut only where it must be"
    if key == whole:
        assert key.count(".") == len(parts) - 1


@pytest.mark.parametrize(("letter", "octets"), [("1", 255), ("é", 255), ("€", 253), ("😀", 253)])
def test_a_long_key_is_cut_between_letters(letter: str, octets: int) -> None:
    """Thirteen octets before the address, and then as many whole letters as there is room for."""
    key = routing_key("mo", "genesys..", letter * 300)
    assert key.startswith("mo.genesys__." + letter)
    assert len(key.encode()) == octets
