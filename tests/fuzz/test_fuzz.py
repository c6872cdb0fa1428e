"""All fuzz targets, briefly: always the same inputs. Others are for `python -m tests.fuzz`, which goes on for hours."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.smpp.consts import DATA_SM, DELIVER_SM
from bridge.smpp.framing import build_pdu
from tests.fuzz.smpp import ACCOUNTS, run, seeds
from tests.fuzz.targets import TARGETS

SEED = 3
INPUTS = {
    "smpp": 2000,
    "callbacks": 1500,
    "listeners": 1500,
    "mts": 1500,
    "answers": 1500,
    "configuration": 100,
}
"""About a second's worth of each."""
LEAST = {"smpp": 1200, "callbacks": 250, "listeners": 500, "mts": 60, "answers": 500, "configuration": 1}
"""How much of that has to come through to the end: inputs that all are refused at once would test nothing."""


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_makes_anything_raise(name: str) -> None:
    target, random = TARGETS[name], Random(SEED)
    read = 0
    for number in range(INPUTS[name]):
        way = target.ways[number % len(target.ways)]
        octets = target.make(random, way)
        try:
            read += target.run(octets, way)
        except Exception as breach:
            again = f"python -m tests.fuzz --target {name} --way '{way}' --input {octets.hex()}"
            raise AssertionError(f"seed {SEED}, input {number}: {again}") from breach
    assert read >= LEAST[name]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_corpus_is_read_by_every_kind_of_account(account: str) -> None:
    assert run(b"".join(seeds()), account) >= 129


@given(
    bodies=st.lists(st.tuples(st.sampled_from([DELIVER_SM, DATA_SM]), st.binary(max_size=80)), max_size=3),
    account=st.sampled_from(sorted(ACCOUNTS)),
)
def test_no_octets_behind_a_header_make_anything_raise(bodies: list[tuple[int, bytes]], account: str) -> None:
    run(b"".join(build_pdu(command, 0, 1, body) for command, body in bodies), account)


@given(octets=st.binary(max_size=200), account=st.sampled_from(sorted(ACCOUNTS)))
def test_no_stream_of_octets_makes_anything_raise(octets: bytes, account: str) -> None:
    run(octets, account)
