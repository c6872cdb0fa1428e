"""Addresses of an MT: what `to` and `from` may be, their shape, and how a provider wants them written.

Addresses of MOs and receipts are not here: they are passed on as they came.
"""

import re
from enum import Enum
from typing import NamedTuple

_NUMBER = re.compile(r"\+?[0-9]{1,15}", re.ASCII)
_UNPRINTABLE = re.compile(r"[^ -~]")
_LONGEST_SHORT_CODE = 6
_LONGEST_NAME = 11  # septets in an alphanumeric address, 3GPP TS 23.040, 9.1.2.5


class BadAddress(ValueError):
    """An address nobody could send to or from; the text says why."""


class Shape(Enum):
    """What an address looks like. The value is its (TON, NPI), SMPP 3.4, 5.2.5 and 5.2.6.

    International in the ISDN plan and alphanumeric in none are the specification's own; it has no rule for
    short codes, and network specific without a plan is what providers mostly ask for.
    """

    INTERNATIONAL = (1, 1)
    SHORT_CODE = (3, 0)
    ALPHANUMERIC = (5, 0)


class Address(NamedTuple):
    """A checked address; `text` has no +."""

    text: str
    shape: Shape

    def written(self, number_format: str) -> str:
        """As the provider wants it: `digits`, or `plus` (numbers with a leading +, never codes and names)."""
        return "+" + self.text if number_format == "plus" and self.shape is Shape.INTERNATIONAL else self.text


def read_number(to: str) -> Address:
    """A destination: E.164 with or without +, or a short code. Raises BadAddress."""
    if not _NUMBER.fullmatch(to):
        raise BadAddress(f"to: {to[:40]!r} is not a number in E.164: up to 15 digits, with or without +")
    digits = to.removeprefix("+")
    shape = _shape(to)
    if shape is Shape.INTERNATIONAL and digits[0] == "0":
        raise BadAddress(
            f"to: {to!r} is not a number in E.164: that begins with a country code, never with 0"
        )
    return Address(digits, shape)


def read_sender(from_: str) -> Address:
    """A sender: number, short code or name of up to 11 printable ASCII characters. Raises BadAddress."""
    if _NUMBER.fullmatch(from_):  # need not be reachable: national numbers that begin with 0 pass
        return Address(from_.removeprefix("+"), _shape(from_))
    strange = _UNPRINTABLE.search(from_)
    if strange:
        raise BadAddress(f"from: the character {strange[0]!r} cannot be part of a sender")
    if not any(character.isalpha() for character in from_):
        raise BadAddress(f"from: {from_[:40]!r} is neither a number of up to 15 digits nor a name")
    if len(from_) > _LONGEST_NAME:
        raise BadAddress(f"from: {from_[:40]!r} has {len(from_)} characters, a name may have {_LONGEST_NAME}")
    return Address(from_, Shape.ALPHANUMERIC)


def _shape(number: str) -> Shape:
    return (
        Shape.SHORT_CODE if len(number) <= _LONGEST_SHORT_CODE and number[0] != "+" else Shape.INTERNATIONAL
    )
