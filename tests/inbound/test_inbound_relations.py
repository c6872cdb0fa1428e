"""How a provider's ids relate: as configured or as learned, and never wrong for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.provider import Ids
from bridge.inbound.relations import TELLING, Relations
from bridge.text.message_ids import canonical

HEX, DEC = "33647f6c", "862224236"
"""One id, both ways."""
MATCHES = {"hex_dec": (DEC, HEX), "dec_hex": (HEX, DEC), "exact": (HEX, HEX)}
"""By relation: the id of a receipt, and that of its answer."""


def taught(*lessons: str, configured: Ids = "auto") -> Relations:
    relations = Relations({"p": configured})
    for lesson in lessons:
        received, stored = MATCHES[lesson]
        relations.matched("p", [received], stored)
    return relations


@pytest.mark.parametrize(
    ("configured", "received", "guesses"),
    [
        ("exact", HEX, set()),
        ("exact", DEC, set()),
        ("hex_dec", DEC, {HEX}),
        ("hex_dec", HEX, set()),
        ("dec_hex", HEX, {DEC}),
        ("auto", HEX, {DEC}),
        ("auto", "0118Z-0122I", set()),
    ],
)
@pytest.mark.parametrize("last_chance", [False, True])
def test_what_is_configured_is_all_that_is_guessed(
    configured: Ids, received: str, guesses: set[str], last_chance: bool
) -> None:
    """Whatever its matches show, and to the last."""
    relations = taught(*["dec_hex"] * (configured != "auto") * TELLING, configured=configured)
    found = relations.guesses("p", [received], last_chance=last_chance)
    fresh = relations.guesses("p", [received], fresh=True)
    assert set(fresh) <= set(relations.guesses("p", [received]))
    assert guesses <= set(found) if configured == "auto" else guesses == set(found)


def test_who_is_not_configured_is_learned_from() -> None:
    assert canonical(HEX) in Relations({}).guesses("other", [DEC])


@pytest.mark.parametrize(
    ("lessons", "of_dec", "of_hex"),
    [
        ([], True, True),
        (["hex_dec"] * (TELLING - 1), True, True),
        (["hex_dec"] * TELLING, True, False),
        (["hex_dec"] * 50, True, False),
        (["dec_hex"] * TELLING, False, True),
        (["exact"] * TELLING, False, False),
        (["hex_dec", "dec_hex"] * TELLING, True, True),
        (["hex_dec"] * 50 + ["exact"], True, True),
        (["hex_dec"] * 50 + ["exact"] * TELLING, False, False),
        (["exact"] * 50 + ["hex_dec"] + ["exact"] * (TELLING - 1), True, True),
    ],
)
def test_what_matches_teach(lessons: list[str], of_dec: bool, of_hex: bool) -> None:
    """`of_dec`: whether a decimal id is tried as hex; `of_hex`: whether a hex one is tried as decimal."""
    relations = taught(*lessons)
    assert (HEX in relations.guesses("p", [DEC])) is of_dec
    assert (DEC in relations.guesses("p", [HEX])) is of_hex
    assert HEX in relations.guesses("p", [DEC], last_chance=True), "a wrong lesson cannot last"
    assert DEC in relations.guesses("p", [HEX], last_chance=True)


def test_one_provider_teaches_nothing_of_another() -> None:
    relations = taught(*["exact"] * TELLING)
    assert relations.guesses("p", [DEC]) == ()
    assert HEX in relations.guesses("q", [DEC])


def test_a_match_that_shows_two_relations_teaches_nothing() -> None:
    """The TLV has the id as it was, the text has it in decimal: the next receipt may have no TLV."""
    relations = Relations({})
    for _ in range(TELLING):
        relations.matched("p", [HEX, DEC], HEX)
    assert HEX in relations.guesses("p", [DEC])


def test_a_match_that_tells_nothing_teaches_nothing() -> None:
    relations = taught(*["hex_dec"] * TELLING)
    relations.matched("p", ["7"], "7")
    relations.matched("p", [], HEX)
    relations.matched("p", ["who knows"], HEX)
    assert relations.guesses("p", [HEX]) == ()


@given(st.lists(st.text(max_size=20) | st.integers(0, 2**70).map(str), max_size=4))
def test_no_guess_is_made_twice(ids: list[str]) -> None:
    guesses = Relations({}).guesses("p", [*ids, *ids])
    assert len(set(guesses)) == len(guesses)


def test_what_is_not_learned_is_not_guessed_while_the_answer_may_be_on_its_way() -> None:
    relations = Relations({"q": "hex_dec"})
    assert relations.guesses("p", [DEC], fresh=True) == ()
    assert HEX in relations.guesses("q", [DEC], fresh=True), "what is configured is no guess"
    for _ in range(TELLING):
        relations.matched("p", [DEC], HEX)
    assert HEX in relations.guesses("p", [DEC], fresh=True)
