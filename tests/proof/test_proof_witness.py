"""The demo's eyes: journal lines and events become facts in the ledger, and a picture of the nodes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.proof.audit import Ledger
from bridge.proof.witness import Witness

NODE = {"site": "dc3", "node": "127.0.0.1:2001"}


LONG = "#2 of a text in #2 pieces"


def name_in(piece: str) -> str | None:
    return "mt-2" if "#2" in piece else None


class Scene:
    """A journal that is being written, and who reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = Ledger()
        self.witness = Witness(path, self.ledger, {"Grüße 1": "mt-1", LONG: "mt-2"}, name_in)

    def write(self, *lines: dict[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.writelines(orjson.dumps({"at": 1.0, **NODE, **line}) + b"\n" for line in lines)
        self.witness.read()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path / "smsc.jsonl")
    yield scene
    scene.witness.close()


def submit(text: str, **fields: Any) -> dict[str, Any]:
    octets = text.encode("utf-16-be").hex()
    return {
        "event": "submit",
        "source": "s",
        "destination": "d",
        "octets": octets,
        "data_coding": 8,
        "registered_delivery": 1,
        "esm_class": 0,
        "segment": None,
        "message_id": "a",
        "receipt_id": "A",
        **fields,
    }


def piece(text: str, number: int, **fields: Any) -> dict[str, Any]:
    """One of two segments, in the default alphabet."""
    octets = bytes((5, 0, 3, 9, 2, number)) + text.encode()
    segment = {"reference": 9, "total": 2, "number": number}
    how = {"octets": octets.hex(), "data_coding": 0, "esm_class": 0x40, "registered_delivery": 0}
    return submit("", segment=segment, message_id=f"p{number}", receipt_id=None, **how, **fields)


def test_a_submission_is_known_by_its_text(scene: Scene) -> None:
    scene.ledger.published("mt-1")
    scene.write(submit("Grüße 1", registered_delivery=0))
    audit = scene.ledger.audit()
    assert audit.passed
    assert audit.per_link == {"dc3 127.0.0.1:2001": 1}
    assert scene.witness.nodes["127.0.0.1:2001"].taken == 1


def test_what_was_not_taken_does_not_count(scene: Scene) -> None:
    scene.write(submit("Grüße 1", message_id=None))
    assert scene.ledger.audit().accepted == 0


def test_a_long_text_is_taken_when_its_pieces_make_it_up(scene: Scene) -> None:
    scene.ledger.published("mt-2")
    scene.write(piece(LONG[12:], 2))
    assert [it.about for it in scene.ledger.audit().complaints] == [{"mt-2"}]
    scene.write(piece(LONG[:12], 1))
    audit = scene.ledger.audit()
    assert audit.passed
    assert (audit.accepted, audit.long) == (1, 1)


def test_pieces_that_do_not_fit_together_are_complained_of(scene: Scene) -> None:
    scene.ledger.published("mt-2")
    scene.write(piece(LONG[:12], 1), piece(LONG[13:], 2))
    assert [it.what for it in scene.ledger.audit().complaints] == [
        "MTs lost in part (segments are missing, and no event says why)",
        "MTs taken that nobody published",
    ]


def test_a_piece_without_a_name_is_complained_of(scene: Scene) -> None:
    scene.write(piece("harmed", 1))
    assert [it.what for it in scene.ledger.audit().complaints] == ["MTs taken that nobody published"]


def test_a_text_that_nobody_wrote_is_complained_of(scene: Scene) -> None:
    scene.write(submit("Gr??e 1", registered_delivery=0))
    (complaint,) = scene.ledger.audit().complaints
    assert complaint.what == "MTs taken that nobody published"
    assert "Gr??e 1" in str(complaint)


def test_a_receipt_is_owed_and_comes(scene: Scene) -> None:
    scene.ledger.published("mt-1")
    scene.write(submit("Grüße 1"))
    assert not scene.ledger.audit().passed
    event = {"type": "dr", "event_id": "e", "smsc_id": "A", "mt_id": "mt-1", "matched": True, "joined": True}
    scene.witness.hear(orjson.dumps({**event, "possible_duplicate": False}))
    assert scene.ledger.audit().passed
    assert scene.witness.counts == {"dr": 1}


def test_only_answers_that_are_ok_count_as_delivered(scene: Scene) -> None:
    answer = {"event": "deliver_answer", "kind": "mo", "id": "m"}
    scene.write({**answer, "status": 0x14}, {**answer, "status": 0})
    assert scene.ledger.audit().suppressed == 0
    scene.write({**answer, "status": 0})
    assert scene.ledger.audit().suppressed == 1


def test_nodes_come_and_go(scene: Scene) -> None:
    scene.write({"event": "up"}, {"event": "bound", "bind": "#1"}, {"event": "bound", "bind": "#2"})
    node = scene.witness.nodes["127.0.0.1:2001"]
    assert (node.listening, scene.witness.binds) == (True, 2)
    scene.write({"event": "lost", "bind": "#1"}, {"event": "down"})
    assert (node.listening, scene.witness.binds) == (False, 1)


def test_half_a_line_waits_for_its_other_half(scene: Scene) -> None:
    line = orjson.dumps({"event": "up", **NODE}) + b"\n"
    with scene.path.open("ab", buffering=0) as file:
        file.write(line[:9])
        scene.witness.read()
        assert not scene.witness.nodes
        file.write(line[9:])
        scene.witness.read()
    assert scene.witness.nodes


def test_what_was_resent_is_remembered(scene: Scene) -> None:
    event = {"type": "mt", "event_id": "e", "id": "mt-1", "outcome": "resent", "possible_duplicate": True}
    scene.witness.hear(orjson.dumps(event))
    assert scene.witness.resent == {"mt-1"}
