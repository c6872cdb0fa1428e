"""Correlation entries in their compact form, and how addresses are compared."""

import string
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.store.correlation import Correlation, Line, comparable, dump, load
from bridge.text.message_ids import canonical

texts = st.text(st.characters(codec="utf-8"), max_size=40)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
entries = st.builds(
    Correlation,
    mt_id=texts.filter(bool),
    provider=st.text(string.ascii_letters + "_-", min_size=1, max_size=10),
    smsc_id=texts,
    to=st.text("+0123456789", min_size=1, max_size=15) | texts.filter(bool),
    segment=st.none() | st.tuples(st.integers(1, 255), st.integers(2, 255)),
    generation=st.integers(0, 99),
    receipt=st.sampled_from(["final", "all", "none"]),
    possible_duplicate=st.booleans(),
    app_id=st.none() | texts,
    conversation_id=st.none() | texts,
    metadata=st.none() | st.dictionaries(texts, json_values, max_size=3),
)


@given(entries)
def test_an_entry_survives_its_compact_form(entry: Correlation) -> None:
    line = dump(entry)
    assert not {"|", "\n"} & set(line.digits + line.segment)
    assert b"\n" not in line.body
    name = f"{entry.provider}:{canonical(entry.smsc_id)}".encode()
    assert load(name, line.digits.encode(), line.segment.encode(), line.body) == entry


def test_an_ordinary_entry_is_no_more_than_its_id() -> None:
    line = dump(Correlation(mt_id="a-1", provider="p", smsc_id="77", to="447700900123"))
    assert (line.digits, line.segment, line.body) == ("447700900123", "", b"=a-1")


def test_a_plus_and_a_copy_elsewhere_take_an_octet_each() -> None:
    doubled = Correlation(
        mt_id="!+=", provider="p", smsc_id="7", to="+447700900123", segment=(2, 3), possible_duplicate=True
    )
    assert dump(doubled) == Line("447700900123", "2/3", b"!+!+=")


def test_an_entry_with_more_to_say_is_json() -> None:
    entry = Correlation(mt_id="a-1", provider="p", smsc_id="00B8", to="447700900123", generation=2)
    assert orjson.loads(dump(entry).body) == {"mt": "a-1", "id": "00B8", "generation": 2}


@pytest.mark.parametrize("body", [b"", b"!", b"-m", b"{"])
def test_what_nobody_of_ours_wrote_is_told_to_be_that(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1"):
        load(b"p:7", b"447700900123", b"", body)


def test_what_a_newer_version_adds_is_passed_over() -> None:
    entry = Correlation(mt_id="m", provider="p", smsc_id="7", to="447700900123")
    assert load(b"p:7", b"447700900123", b"", b'{"mt": "m", "newer": 1}') == entry


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("447700900123", "447700900123"),
        ("+447700900123", "447700900123"),
        ("00447700900123", "447700900123"),
        ("+44 7700-900123", "447700900123"),
        ("07700900123", "7700900123"),
        ("12345", "12345"),
        ("MyBank", "mybank"),
        ("a|b\nc", "abc"),
        ("", ""),
        ("+", ""),
    ],
)
def test_spellings_of_one_number_compare_equal(address: str, same: str) -> None:
    assert comparable(address) == same
