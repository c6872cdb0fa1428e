"""Addresses of an MT: what `to` and `from` may be, their shape, and how a provider wants them written.

Addresses of MOs and receipts are not here: they are passed on as they came.
"""

import re
from enum import Enum
from typing import NamedTuple

from bridge.model.addresses import mask

_NUMBER = re.compile(r"\+?[0-9]{1,15}", re.ASCII)
_UNPRINTABLE = re.compile(r"[^ -~]")
_LONGEST_SHORT_CODE = 6
_LONGEST_NAME = 11  # septets in an alphanumeric address, 3GPP TS 23.040, 9.1.2.5


class BadAddress(ValueError):
    """An address nobody could send to or from; the text says why."""


class Shape(Enum):
    """What an address looks like. The value is its (TON, NPI), SMPP 3.4, 5.2.5 and 5.2.6.

    International and national in the ISDN plan and alphanumeric in none are the specification's own; it has no
    rule for short codes, and network specific without a plan is what providers mostly ask for.
    """

    INTERNATIONAL = (1, 1)
    NATIONAL = (2, 1)
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
        raise BadAddress(f"to: {_masked(to)} is not a number in E.164: up to 15 digits, with or without +")
    address = _address(to)
    if address.shape is Shape.NATIONAL:
        raise BadAddress(f"to: {_masked(to)} is not a number in E.164: that begins with a country code")
    return address


def read_sender(from_: str) -> Address:
    """A sender: number, short code or name of up to 11 printable ASCII characters. Raises BadAddress."""
    if _NUMBER.fullmatch(from_):
        return _address(from_)
    strange = _UNPRINTABLE.search(from_)
    if strange:
        raise BadAddress(f"from: the character {strange[0]!r} cannot be part of a sender")
    if not any(character.isalpha() for character in from_):
        raise BadAddress(f"from: {from_[:40]!r} is neither a number of up to 15 digits nor a name")
    if len(from_) > _LONGEST_NAME:
        raise BadAddress(f"from: {from_[:40]!r} has {len(from_)} characters, a name may have {_LONGEST_NAME}")
    return Address(from_, Shape.ALPHANUMERIC)


def _address(number: str) -> Address:
    digits = number.removeprefix("+")
    if len(number) <= _LONGEST_SHORT_CODE and number[0] != "+":
        return Address(digits, Shape.SHORT_CODE)
    return Address(digits, Shape.NATIONAL if digits[0] == "0" else Shape.INTERNATIONAL)


def _masked(to: str) -> str:
    """A reason may end in a log: it shows of a phone's number only what tells its form."""
    return repr(mask(to[:40]))
