"""The fuzz target, briefly: a fixed number of damaged streams, and streams of Hypothesis's own making."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.smpp.consts import DATA_SM, DELIVER_SM
from bridge.smpp.framing import build_pdu
from tests.fuzz.inputs import seeds, stream
from tests.fuzz.target import ACCOUNTS, run

STREAMS = 4000


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_corpus_is_read_by_every_kind_of_account(account: str) -> None:
    assert run(b"".join(seeds()), account) >= 129


def test_damaged_streams_make_nothing_raise() -> None:
    """Always the same ones: others are for `python -m tests.fuzz`."""
    random, pdus, accounts = Random(3), seeds(), list(ACCOUNTS)
    messages = sum(run(stream(random, pdus), accounts[number % len(accounts)]) for number in range(STREAMS))
    assert messages > STREAMS // 2, "most of them reach the readers"


@given(
    bodies=st.lists(st.tuples(st.sampled_from([DELIVER_SM, DATA_SM]), st.binary(max_size=80)), max_size=3),
    account=st.sampled_from(sorted(ACCOUNTS)),
)
def test_no_octets_behind_a_header_make_anything_raise(bodies: list[tuple[int, bytes]], account: str) -> None:
    run(b"".join(build_pdu(command, 0, 1, body) for command, body in bodies), account)


@given(octets=st.binary(max_size=200), account=st.sampled_from(sorted(ACCOUNTS)))
def test_no_stream_of_octets_makes_anything_raise(octets: bytes, account: str) -> None:
    run(octets, account)
