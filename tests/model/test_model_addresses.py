"""Numbers: two spellings of one number are equal, and a mask hides what it says it hides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.addresses import SENDER_PATTERN, digits_of, mask

NUMBER = st.from_regex(r"[1-9][0-9]{0,14}", fullmatch=True)
NO_STAR = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("address", "digits"),
    [
        ("447700900123", "447700900123"),
        ("+44 (7700) 900-123", "447700900123"),
        ("00447700900123", "447700900123"),
        ("07700900123", "07700900123"),
        ("12345", "12345"),
        ("MyBank", "mybank"),
        ("Bank-24", "bank-24"),
        ("ΑΒΓ", "αβγ"),
        ("", ""),
        ("+", ""),
    ],
)
def test_digits(address: str, digits: str) -> None:
    assert digits_of(address) == digits


@given(NUMBER, st.sampled_from(["", "+", "00", "+ ", "(00)"]), st.sampled_from(["", " ", "-", ".", "/"]))
def test_every_spelling_of_a_number_has_its_digits(number: str, before: str, between: str) -> None:
    assert digits_of(before + between.join(number)) == number


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("447700900123", "4477*****123"),
        ("44770090", "4477*090"),
        ("7654321", "7*****1"),
        ("12345", "1***5"),
        ("1234", "****"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_masks(address: str, masked: str) -> None:
    assert mask(address) == masked


@given(NO_STAR)
def test_a_mask_shows_only_the_ends(address: str) -> None:
    masked = mask(address)
    assert len(masked) == len(address)
    shown = [(index, char) for index, char in enumerate(masked) if char != "*"]
    assert all(address[index] == char for index, char in shown)
    assert len(shown) == (0 if len(address) <= 4 else 2 if len(address) < 8 else 7)
    assert re.fullmatch(r"[^*]{0,4}\*+[^*]{0,3}|", masked, re.DOTALL), "hidden is the middle, all of it"


@pytest.mark.parametrize("sender", ["12345", "+447700900123", "1" * 20, "MyBank", "A b/c! 24~", "~" * 11])
def test_senders(sender: str) -> None:
    assert re.search(SENDER_PATTERN, sender)


@pytest.mark.parametrize("sender", ["", "1" * 21, "TwelveLetter", "Bänk", "a\tb", "+4477009001x3"])
def test_what_is_no_sender(sender: str) -> None:
    assert not re.search(SENDER_PATTERN, sender)
