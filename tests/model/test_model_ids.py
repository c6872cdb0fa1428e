"""Event ids: the same for the same event, different for different ones, today and in every later version."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import ids
from bridge.model.ids import digest, event_id

PART = st.binary(max_size=4) | st.text(max_size=4)
NEARLY_EQUAL = st.lists(st.sampled_from([b"", b"\0", b"\0\0\0\1", b"a", "a", "aa", "\0"]), max_size=4)


class Written:
    """Stands for the hash and keeps what is put into it."""

    def __init__(self, digest_size: int) -> None:
        assert digest_size == 16
        self.octets = b""

    def update(self, octets: bytes) -> None:
        self.octets += octets

    def digest(self) -> bytes:
        return self.octets


def octets_of(parts: Sequence[str | bytes]) -> list[bytes]:
    return [part.encode() if isinstance(part, str) else part for part in parts]


def read_back(octets: bytes) -> list[bytes]:
    """The parts whose lengths stand before them: what a digest input says, whoever wrote it."""
    parts = []
    while octets:
        end = 4 + int.from_bytes(octets[:4], "big")
        parts.append(octets[4:end])
        octets = octets[end:]
    return parts


@given(st.lists(PART, max_size=6))
def test_what_is_hashed_tells_the_parts(parts: list[str | bytes]) -> None:
    """It can be read back without doubt, so that no two lists share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "blake2b", Written)
        assert read_back(digest(*parts)) == octets_of(parts)


@given(NEARLY_EQUAL, NEARLY_EQUAL)
def test_two_lists_share_a_digest_only_if_they_are_equal(
    one: list[str | bytes], other: list[str | bytes]
) -> None:
    assert (digest(*one) == digest(*other)) is (octets_of(one) == octets_of(other))


@given(st.binary(min_size=1, max_size=20), st.data())
def test_the_same_octets_cut_elsewhere_are_something_else(octets: bytes, data: st.DataObject) -> None:
    one, other = (data.draw(st.integers(0, len(octets))) for _ in range(2))
    same = digest(octets[:one], octets[one:]) == digest(octets[:other], octets[other:])
    assert same is (one == other)


@given(st.text(), st.lists(PART, max_size=4))
def test_an_event_id_is_its_kind_and_32_hex_digits(kind: str, parts: list[str | bytes]) -> None:
    assert len(digest(*parts)) == 16
    assert event_id(kind, *parts) == f"{kind}-{digest(kind, *parts).hex()}"


def test_ids_stay_the_same_in_every_version() -> None:
    """A worker of the next version may publish what one of this version began."""
    assert digest().hex() == "cae66941d9efbd404e4d88758ea67670"
    assert event_id("mt", "m-1", "accepted") == "mt-23d3e00e018ac80af6475e30390a8d92"
    assert event_id("dr", b"\x00\xff", "é") == "dr-cd953118d9b12f8d603232b71f8ef56c"


def test_kinds_do_not_share_ids() -> None:
    assert len({event_id(kind, "p", "1").split("-")[1] for kind in ("mo", "dr", "mt", "site")}) == 4
