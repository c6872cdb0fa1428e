"""One id in two spellings: the relations seen in the wild, and laws that hold for any number."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.message_ids import Relation, canonical, relation_of, variants

IN_THE_WILD = [
    # the answer's id, the receipt's, the relation it shows
    ("33647f6c", "862224236", "hex_dec"),
    ("39f99dd5", "0972660181", "hex_dec"),
    ("862224236", "33647f6c", "dec_hex"),
    ("972660181", "39F99DD5", "dec_hex"),
    ("18d0e03a", "0416342074", "hex_dec"),
    ("6aad5", "0000436949", "hex_dec"),
    ("70BA8A69", "1891273321", "hex_dec"),
    ("0x70BA8A69", "1891273321", "hex_dec"),
    ("3493221", "0003493221", "exact"),
    ("3493221", "0000000003493221", "exact"),
    ("00B8BE19", "00B8BE19", "exact"),
    ("00B8BE19", "b8be19", "exact"),
    ("0a6f3c00-9d5e-4b5e-8f0a-000000000001", "0A6F3C00-9D5E-4B5E-8F0A-000000000001", "exact"),
    ("12345678901234567890", "12345678901234567890", "exact"),
    ("99999999999999999999", "56BC75E2D630FFFFF", "dec_hex"),
    ("1ffffffffffffffff", "36893488147419103231", "hex_dec"),
    ("0118Z-0122I-2309U-57DGB", "0118z-0122i-2309u-57dgb", "exact"),
    ("1.2.3@x_y", " 1.2.3@x_y ", "exact"),
    ("a", "10", "hex_dec"),
    ("7", "7", None),
    ("07", "7", None),
    ("33647f6c", "862224237", None),
    ("", "33647f6c", None),
]


@pytest.mark.parametrize(("answered", "received", "relation"), IN_THE_WILD)
def test_the_relations_seen_in_the_wild(answered: str, received: str, relation: str | None) -> None:
    assert relation_of(received, answered) == relation


@pytest.mark.parametrize(("answered", "received", "relation"), IN_THE_WILD)
def test_what_shows_a_relation_is_found_by_it(
    answered: str, received: str, relation: Relation | None
) -> None:
    ways: tuple[Relation, ...] = ("any", relation) if relation else ()
    for way in ways:
        assert canonical(answered) in (canonical(received), *variants(received, way))


@pytest.mark.parametrize(
    ("message_id", "form"),
    [
        ("00B8BE19", "b8be19"),
        ("0x00B8BE19", "b8be19"),
        ("0X1F", "1f"),
        ("  77 ", "77"),
        ("000", "0"),
        ("", "0"),
        ("0x", "0"),
        ("Ab-0", "ab-0"),
    ],
)
def test_spellings_of_one_id_have_one_form(message_id: str, form: str) -> None:
    assert canonical(message_id) == form


@pytest.mark.parametrize(
    ("message_id", "relation", "forms"),
    [
        ("10", "any", ("a", "16")),
        ("10", "hex_dec", ("a",)),
        ("10", "dec_hex", ("16",)),
        ("10", "exact", ()),
        ("0x10", "any", ("16",)),  # says itself which it is
        ("1f", "hex_dec", ()),
        ("1f", "any", ("31",)),
        ("5", "any", ()),
        ("12-34", "any", ()),
        ("1 2", "any", ()),
        ("+12", "any", ()),
        ("1_2", "any", ()),
        ("²٣", "any", ()),  # digits elsewhere, not in an id
        ("", "any", ()),
    ],
)
def test_variants_are_of_whole_numbers_only(
    message_id: str, relation: Relation, forms: tuple[str, ...]
) -> None:
    assert variants(message_id, relation) == forms


def test_a_number_without_end_costs_nothing() -> None:
    assert variants("9" * 65536, "any") == ()


numbers = st.integers(0, 2**300)
paddings = st.integers(0, 16)


@given(numbers, paddings, paddings, st.booleans())
def test_any_number_is_found_by_its_other_base(number: int, pad: int, other_pad: int, upper: bool) -> None:
    decimal, hexadecimal = f"{number:0{pad}d}", f"{number:0{other_pad}{'X' if upper else 'x'}}"
    assert canonical(hexadecimal) in (canonical(decimal), *variants(decimal, "hex_dec"))
    assert canonical(decimal) in (canonical(hexadecimal), *variants(hexadecimal, "dec_hex"))
    if number > 9:
        assert relation_of(decimal, hexadecimal) == "hex_dec"
        assert relation_of(hexadecimal, decimal) == "dec_hex"
    else:
        assert relation_of(decimal, hexadecimal) is None


ids = st.text(string.ascii_letters + string.digits + "-_.@x0 ", max_size=20) | st.text(max_size=20)


@given(ids, ids)
def test_any_text_at_all_has_a_form_and_shows_one_relation_at_most(received: str, stored: str) -> None:
    assert canonical(received)
    relation = relation_of(received, stored)
    if relation is not None:
        assert canonical(stored) in (canonical(received), *variants(received, relation))
    assert relation_of(received, received) in ("exact", None)
    assert not {canonical(received), ""} & set(variants(received, "any"))
