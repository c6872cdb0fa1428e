"""`bridge schema`, the files in schemas/, and the events as they are really made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.schema import SCHEMAS, rendered
from bridge.model.attempt import Attempt
from bridge.model.events import (
    NO_ORIGIN,
    Event,
    MtLink,
    MtReport,
    Origin,
    SiteReport,
    dr_event,
    mo_event,
    mt_event,
    site_event,
)
from bridge.model.inbound import Dr, Mo, Ports
from bridge.model.mt import Mt

FILES = Path(__file__).parents[2] / "schemas"
FILE_OF = {name: FILES / f"{'bridge-config' if name == 'config' else name}.v1.json" for name in SCHEMAS}
RAW = {"data_coding": 0, "esm_class": 0, "short_message": "00", "tlvs": {"0x001E": "00"}}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_is_what_the_command_prints(name: str) -> None:
    result = CliRunner().invoke(main, ["schema", name])
    assert result.exit_code == 0
    assert result.stdout == rendered(name) + "\n"
    assert FILE_OF[name].read_text() == result.stdout, f"bridge schema {name} > schemas/{FILE_OF[name].name}"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas_and_their_examples_good(name: str) -> None:
    schema = json.loads(rendered(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    for shown in schema.get("examples", []):
        jsonschema.validate(shown, schema)
    assert schema.get("examples") or name == "config"


def test_an_unknown_schema_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["schema", "mtt"])
    assert result.exit_code == 2
    assert "mt-event" in result.stderr


def events() -> Iterator[tuple[str, Event]]:
    origin = Origin("p", "s", "smpp", "h:1")
    mt = Mt(id="a", to="447700900123", text="x", app_id="app", metadata={"a": 1})
    attempt = Attempt("2030-01-31T12:00:01.201Z", "p", "s", "h:1", "rejected 0x0B")
    report = MtReport(
        outcome="failed", reason="no", status=11, smsc_ids=["1", None], attempts=[attempt], origin=origin
    )
    yield "mt-event", mt_event("a", mt, "default", report, "mt-1", 0.0)
    yield "mt-event", mt_event(None, None, "default", MtReport(outcome="invalid"), "mt-2", 0.0)
    dr = Dr(
        ids=("1",), state="delivered", final=True, error="000", network_error="3", submitted_at="2030-01-31T12:00",
        done_at="2030-01-31T12:00", to="12345", from_="447700900123", text="", identity=b"", raw=RAW,
    )  # fmt: skip
    bare = Dr(
        ids=(), state=None, final=False, error=None, network_error=None, submitted_at=None, done_at=None, to="",
        from_="", text=None, identity=b"",
    )  # fmt: skip
    link = MtLink(mt_id="a", smsc_id="1", conversation_id="c", metadata={"a": 1})
    yield "dr", dr_event(dr, link, origin, "dr-1", 0.0, stale=False, joined=True)
    yield "dr", dr_event(bare, None, origin, "dr-2", 0.0, stale=True, joined=False)
    ports = Ports(dst=1, src=2)
    yield "mo", mo_event(
        Mo(id="1", from_="1", to="2", text="x", data=None, encoding="gsm", identity=b"", ports=ports, carrier="c",
           media=({"content_type": "a/b", "data": "AA=="},), raw=RAW), origin, "mo-1", 0.0,
    )  # fmt: skip
    yield (
        "mo",
        mo_event(
            Mo(id=None, from_="1", to="2", text=None, data=b"\0", encoding="binary", identity=b""),
            NO_ORIGIN,
            "mo-2",
            0.0,
        ),
    )
    yield "site", site_event(
        SiteReport(
            provider="p", site="s", state="alarm", reason="refused", links_up=0, links_total=2, worker="w", via="smpp",
            link="h:1",
        ), "site-1", 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "event"), list(events()))
def test_events_are_as_their_schema_says(name: str, event: Event) -> None:
    schema = SCHEMAS[name]()
    body: dict[str, Any] = orjson.loads(orjson.dumps(event.body))
    jsonschema.validate(body, schema)
    assert set(body) == set(schema["properties"]), "a field is missing here or there"
