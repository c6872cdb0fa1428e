"""What a claim says to whoever finds it: the same again, and no other text passes for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.outbound.bequest import Bequest, copy_name
from bridge.outbound.parts import Fate, Parts, Segment

SEGMENT: st.SearchStrategy[Segment] = st.sampled_from([*Fate]) | st.text()
PARTS = st.builds(Parts, st.text(), st.text(), st.text(), st.lists(SEGMENT, min_size=2).map(tuple))
COPIES = st.builds(copy_name, st.sampled_from(["w1:1", "w2:7++"]), st.integers(0, 3))
LONG = st.builds(Bequest, st.integers(0, 3), COPIES, st.booleans(), PARTS)
SHORT = st.builds(Bequest, st.integers(0, 3), COPIES)


@given(LONG | SHORT, st.sampled_from(["w1:1", "w2:7++"]))
def test_it_tells_the_same_again(bequest: Bequest, holder: str) -> None:
    state = bequest.dump(holder)
    assert state.isascii()
    assert state.isprintable(), "one line"
    assert Bequest.load(state, holder) == bequest


def test_of_the_first_copy_of_an_mt_in_one_piece_nothing_need_be_said() -> None:
    assert Bequest(0, copy_name("w1:1", 0)).dump("w1:1") == ""
    assert Bequest(0, copy_name("w1:1", 0)).dump("w2:1") == '[0,"w1:1/0"]'
    assert Bequest(1, copy_name("w1:1", 1)).dump("w1:1") == '[1,""]'


@pytest.mark.parametrize(
    "state",
    [
        "{",
        "null",
        "7",
        "[]",
        "[0]",
        '["0",""]',
        '[true,""]',
        '[-1,""]',
        "[0,7]",
        '[0,"",7]',
        '[0,"","p","p1","f",0]',
        '[0,"","p","p1","f",0,[0]]',
        '[0,"","p","p1","f",0,[0,3]]',
        '[0,"","p","p1","f",0,[0,null]]',
        '[0,"","p","p1","f",0,[0,[]]]',
        '[0,"","p","p1",7,0,[0,0]]',
        '[0,"","p","p1","f",0,7]',
        '{"p":1,"q":2}',
    ],
)
def test_what_no_claim_says_is_a_value_error(state: str) -> None:
    with pytest.raises(ValueError):
        Bequest.load(state, "w1:1")
