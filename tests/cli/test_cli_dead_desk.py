"""What a look into the dead queue remarks, and what it knows while Redis goes away. No server needed."""

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.cli.dead_desk import Desk, Found
from bridge.cli.dead_letter import Letter
from bridge.model.names import Names
from bridge.store.store import StoreUnavailable

LETTER = Letter(
    handle="@1",
    id="m-1",
    is_mt=True,
    reason="doubt",
    detail="",
    at=None,
    routing_key="mt.default",
    route="default",
    lane="bulk",
    to=None,
    attempts=(),
    generation=0,
    octets=2,
    given_back=0,
    resolved=False,
)


def desk(version: str = "4.1.0", readers: int = 0, claims: Any = None, blind: str = "") -> Desk:
    session: Any = SimpleNamespace(version=version)
    sweep: Any = SimpleNamespace(readers=readers)
    return Desk(Names("b"), session, sweep, claims, blind)


def found() -> list[Found]:
    delivery: Any = None
    return [Found(LETTER, delivery)]


async def test_a_redis_that_goes_away_leaves_nothing_known() -> None:
    class Gone:
        async def endings(self, _mt_keys: object) -> list[str | None]:
            raise StoreUnavailable("Redis at r:6379: gone")

    looked = desk(claims=Gone())
    for _ in range(2):
        assert [one.letter.resolved for one in await looked.recall(found())] == [None]
    assert looked.remarks == ["Redis at r:6379: gone; so it is not known which were resolved meanwhile"]


@pytest.mark.parametrize("ending", [None, "Z|of another version"])
async def test_a_claim_that_cannot_be_read_is_not_known(ending: str | None) -> None:
    class Strange:
        async def endings(self, mt_keys: list[str]) -> list[str | None]:
            assert mt_keys == ["m-1"]
            return [ending]

    assert [one.letter.resolved for one in await desk(claims=Strange()).recall(found())] == [None]


def test_somebody_else_who_reads_is_remarked() -> None:
    (remark,) = desk(readers=1).remarks
    assert remark.startswith("somebody else reads b.dead, too")
    assert desk().remarks == []


def test_before_rabbitmq_drops_what_was_shown_too_often_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.dead_desk.topology", lambda *_: [])
    for version, given_back, said in (
        ("4.1.0", 9, False),
        ("4.1.0", 10, True),
        ("3.10.8", 5000, False),
        ("", 5000, False),
    ):
        looked = desk(version)
        looked.given_back = given_back
        assert bool(looked.remarks) is said, (version, given_back)
