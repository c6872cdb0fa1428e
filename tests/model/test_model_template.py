"""Texts with {names}: read, filled, and refused without showing what they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.template import (
    EVERY_MT_HAS,
    NOTHING,
    SOME_MTS_HAVE,
    BadTemplate,
    Template,
    parse_template,
    templates_in,
)

VALUES = {"to": "1", "text": "{to}", "carrier": None, "app_id": None}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{to}", "1"),
        ("<{to}{text}>", "<1{to}>"),
        ("{{to}} {{{to}}}", "{to} {1}"),
        ("}}{{", "}{"),
        ("{carrier}", None),
        ("c={carrier}{app_id}", None),
        ("{to}/{carrier}", "1/"),
    ],
)
def test_values_take_the_place_of_names(text: str, filled: str | None) -> None:
    assert parse_template(text).fill(VALUES) == filled


def test_values_are_escaped_and_literals_are_not() -> None:
    assert parse_template("<{to}>").fill({"to": "<"}, lambda value: f"[{value}]") == "<[<]>"


@pytest.mark.parametrize("text", ["{", "}", "{to", "to}", "{}", "{to }", "{1}", "{to.x}", "{to!r}", "{{to}"])
def test_braces_that_fit_nothing_are_refused(text: str) -> None:
    with pytest.raises(BadTemplate, match="brace by itself"):
        parse_template(text)


def test_a_mistaken_name_is_not_shown() -> None:
    with pytest.raises(
        BadTemplate, match=r"^has a name in braces that stands for nothing; did you mean \{text\}\?$"
    ):
        parse_template("{texd}")
    with pytest.raises(BadTemplate, match="; there is app_id, carrier") as caught:
        parse_template("{hunterzz}")
    assert "hunter" not in str(caught.value)


def test_a_name_by_itself_is_known() -> None:
    assert parse_template("{to}").only == "to"
    assert [parse_template(text).only for text in ("", "to", "x{to}", "{to}{id}")] == [None] * 4
    assert NOTHING.names == ()


def test_a_template_does_not_show_itself() -> None:
    assert "secret" not in repr(parse_template("secret"))


def test_all_templates_of_a_tree_are_found() -> None:
    one, other = parse_template("{to}"), parse_template("{text}")
    assert list(templates_in({"a": [one, 1, True], "b": {"c": other}, "d": 1.5})) == [one, other]


@given(st.lists(st.sampled_from(["{{", "}}", "{to}", "{text}", "x", "é", " "])))
def test_a_template_says_what_it_was_made_of(pieces: list[str]) -> None:
    singles = {"{{": "{", "}}": "}", "{to}": "1", "{text}": "2"}
    filled = parse_template("".join(pieces)).fill({"to": "1", "text": "2"})
    assert filled == "".join(singles.get(piece, piece) for piece in pieces)


@given(st.text(st.sampled_from("{}to_x ")))
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except BadTemplate:
        return
    assert isinstance(template, Template)
    assert set(template.names) <= EVERY_MT_HAS | SOME_MTS_HAVE
