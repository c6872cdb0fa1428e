"""Addresses of an MT: which pass, what shape they have, how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.addresses import Address, BadAddress, Shape, read_number, read_sender


@pytest.mark.parametrize(
    ("to", "digits", "shape"),
    [
        ("447700900123", "447700900123", Shape.INTERNATIONAL),
        ("+447700900123", "447700900123", Shape.INTERNATIONAL),
        ("123456789012345", "123456789012345", Shape.INTERNATIONAL),
        ("+6834002", "6834002", Shape.INTERNATIONAL),
        ("+123", "123", Shape.INTERNATIONAL),
        ("7654321", "7654321", Shape.INTERNATIONAL),
        ("654321", "654321", Shape.SHORT_CODE),
        ("0800", "0800", Shape.SHORT_CODE),
    ],
)
def test_destinations(to: str, digits: str, shape: Shape) -> None:
    assert read_number(to) == Address(digits, shape)


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("", "to: '' is not a number in E.164: up to 15 digits, with or without +"),
        ("+", "to: '*' is not a number"),
        ("1234567890123456", "to: '1234*********456' is not a number in E.164: up to 15 digits"),
        ("+44 7700 900123", "to: '+44 ********123' is not a number"),
        ("Bob", "to: '***' is not a number"),
        ("٤٤٧٧٠٠٩٠٠١٢٣", "is not a number"),
        ("447700900123\n", r"to: '4477******23\n' is not a number"),
        ("00447700900123", "to: '0044*******123' is not a number in E.164: that begins with a country code"),
        ("+0447700", "begins with a country code"),
    ],
)
def test_refused_destinations(to: str, complaint: str) -> None:
    with pytest.raises(BadAddress) as caught:
        read_number(to)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("from_", "text", "shape"),
    [
        ("12345", "12345", Shape.SHORT_CODE),
        ("+12345", "12345", Shape.INTERNATIONAL),
        ("07700900123", "07700900123", Shape.NATIONAL),
        ("+447700900123", "447700900123", Shape.INTERNATIONAL),
        ("Bridge", "Bridge", Shape.ALPHANUMERIC),
        ("24-7 Shop&c", "24-7 Shop&c", Shape.ALPHANUMERIC),
        ("A", "A", Shape.ALPHANUMERIC),
    ],
)
def test_senders(from_: str, text: str, shape: Shape) -> None:
    assert read_sender(from_) == Address(text, shape)


@pytest.mark.parametrize(
    ("from_", "complaint"),
    [
        ("", "from: '' is neither a number of up to 15 digits nor a name"),
        ("1234567890123456", "from: '1234567890123456' is neither"),
        ("+44-7700", "from: '+44-7700' is neither"),
        ("24-7 Shop &c", "from: '24-7 Shop &c' has 12 characters, a name may have 11"),
        ("Café", "from: the character 'é' cannot be part of a sender"),
        ("a\0b", r"from: the character '\x00' cannot be part of a sender"),
    ],
)
def test_refused_senders(from_: str, complaint: str) -> None:
    with pytest.raises(BadAddress) as caught:
        read_sender(from_)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("address", "number_format", "written"),
    [
        (Address("447700900123", Shape.INTERNATIONAL), "digits", "447700900123"),
        (Address("447700900123", Shape.INTERNATIONAL), "plus", "+447700900123"),
        (Address("07700900123", Shape.NATIONAL), "plus", "07700900123"),
        (Address("12345", Shape.SHORT_CODE), "plus", "12345"),
        (Address("Bridge", Shape.ALPHANUMERIC), "plus", "Bridge"),
    ],
)
def test_written_as_the_provider_wants(address: Address, number_format: str, written: str) -> None:
    assert address.written(number_format) == written


@given(st.text())
def test_what_passes_fits_into_a_pdu(text: str) -> None:
    for read in (read_number, read_sender):
        try:
            written = read(text).written("plus")
        except BadAddress:
            continue
        assert 0 < len(written) <= 20
        assert written.isascii()
        assert written.isprintable()
