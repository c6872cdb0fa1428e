"""Who may call, as tables."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound.callbacks.callers import Callers, address_of

TOKEN = "k3y/+ü"
LAN = ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32")


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@pytest.mark.parametrize(
    ("header", "query", "shown"),
    [
        (f"Bearer {TOKEN}".encode(), b"", True),
        (f"bearer   {TOKEN} ".encode(), b"", True),
        (basic("genesys", TOKEN), b"", True),
        (basic("", TOKEN), b"", True),
        (None, f"a=b&token={quote(TOKEN)}".encode(), True),
        (b"Bearer wrong", f"token={quote(TOKEN)}".encode(), True),
        (None, b"", False),
        (b"", b"token=", False),
        (b"Bearer", b"", False),
        (b"Bearer ", b"", False),
        (f"Bearer {TOKEN}x".encode(), b"", False),
        (f"Bearer {TOKEN[:-1]}".encode(), b"", False),
        (f"Token {TOKEN}".encode(), b"", False),
        (TOKEN.encode(), b"", False),
        (basic(TOKEN, ""), b"", False),
        (basic(TOKEN, "wrong"), b"", False),
        (b"Basic ===", b"", False),
        (b"Basic " + TOKEN.encode(), b"", False),
        (None, f"Token={quote(TOKEN)}".encode(), False),
        (None, b"token=%ff%fe", False),
        (None, "token=ü".encode("latin-1"), False),
        (None, b"&".join([b"x=1"] * 60) + f"&token={quote(TOKEN)}".encode(), False),
    ],
)
def test_the_token_is_shown_in_one_of_three_ways(header: bytes | None, query: bytes, shown: bool) -> None:
    headers = {} if header is None else {b"authorization": header}
    assert Callers(TOKEN).shows_token(headers, query) is shown


@given(st.binary(), st.binary())
def test_whatever_is_shown_it_is_only_wrong(header: bytes, query: bytes) -> None:
    for scheme in (b"", b"Bearer ", b"Basic "):
        assert not Callers(TOKEN).shows_token({b"authorization": scheme + header}, query)


def test_without_a_token_there_is_no_door() -> None:
    with pytest.raises(ValueError, match="everybody"):
        Callers("")


@pytest.mark.parametrize(
    ("peer", "forwarded", "trust_proxy", "may"),
    [
        ("10.1.2.3", None, False, True),
        ("::ffff:10.1.2.3", None, False, True),
        ("2001:db8::5", None, False, True),
        ("192.0.2.7", None, False, True),
        ("192.0.2.8", None, False, False),
        ("2001:db9::5", None, False, False),
        ("", None, False, False),
        ("192.0.2.8", b"10.1.2.3", False, False),
        ("10.1.2.3", b"192.0.2.8", False, True),
        ("192.0.2.8", b"10.1.2.3", True, True),
        ("10.1.2.3", b"192.0.2.8", True, False),
        ("192.0.2.8", b"192.0.2.9, 10.1.2.3", True, True),
        ("192.0.2.8", b"10.1.2.3, 192.0.2.9", True, False),
        ("192.0.2.8", b"10.1.2.3:4711", True, True),
        ("192.0.2.8", b"[2001:db8::5]:4711", True, True),
        ("192.0.2.8", b"::ffff:10.1.2.3", True, True),
        ("10.1.2.3", b"unknown", True, False),
        ("10.1.2.3", b"10.1.2.3,", True, False),
        ("10.1.2.3", None, True, True),
    ],
)
def test_a_caller_is_of_a_network_that_may(
    peer: str, forwarded: bytes | None, trust_proxy: bool, may: bool
) -> None:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded}
    assert Callers(TOKEN, LAN, trust_proxy=trust_proxy).may_come(peer, headers) is may
    assert Callers(TOKEN, trust_proxy=trust_proxy).may_come(peer, headers), "none named: anybody may"


@given(st.text() | st.ip_addresses().map(str))
def test_an_address_is_read_or_is_none(text: str) -> None:
    address: Any = address_of(text)
    assert address is None or address.version in (4, 6)
