"""What phones show of segments that come in any order, twice, never, or under a reference used before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.inbound import Concat
from bridge.simulator.handsets import Handsets, Series
from bridge.simulator.records import Submit
from bridge.simulator.segments import read_segment
from bridge.simulator.writing import HEADERS, Header, Keypad, Manner
from bridge.smpp.codec import decode_submit_sm, encode_submit_sm
from bridge.smpp.consts import TLV_MESSAGE_PAYLOAD, TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS
from bridge.smpp.pdus import SubmitSm, Tlv
from bridge.text.alphabets import Alphabets

SERIES = Series("s", "d", 7, 3)


def taken(octets: bytes, data_coding: int = 0, esm_class: int = 0, tlvs: tuple[Tlv, ...] = ()) -> Submit:
    """A submit_sm as the SMSC reads it off the wire."""
    pdu = decode_submit_sm(
        encode_submit_sm(
            SubmitSm(
                source_addr="s",
                destination_addr="d",
                esm_class=esm_class,
                data_coding=data_coding,
                short_message=octets,
                tlvs=tlvs,
            )
        )
    )
    return Submit(
        at=0.0,
        site="",
        node="",
        bind="",
        sequence_number=1,
        source=pdu.source_addr,
        destination=pdu.destination_addr,
        octets=pdu.payload,
        data_coding=pdu.data_coding,
        registered_delivery=0,
        esm_class=pdu.esm_class,
        tlvs=pdu.tlvs,
        segment=read_segment(pdu),
        message_id="1",
    )


def segments(text: str, manner: Manner | None = None, alphabet: str = "gsm") -> list[Submit]:
    """The text as a phone would cut it, sent the other way."""
    written = Keypad(alphabet).write(
        text, source="s", destination="d", manner=manner or Manner(), reference=7
    )
    return [taken(pdu.short_message, pdu.data_coding, pdu.esm_class, pdu.tlvs) for _, pdu in written]


def shown(*submits: Submit, alphabet: str = "gsm") -> Handsets:
    """The phones after all these."""
    handsets = Handsets(Alphabets(alphabet))
    for submit in submits:
        handsets.take(submit)
    return handsets


def texts(handsets: Handsets) -> list[str | None]:
    return [message.text for message in handsets.messages]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("alphabet", ["gsm", "gsm-packed", "latin1", "utf-8"])
@pytest.mark.parametrize("text", ["hello €[]" * 40, "привет 😀 " * 20])
def test_a_text_is_whole_when_its_last_segment_has_come(header: Header, alphabet: str, text: str) -> None:
    first, *others = segments(text, Manner(header=header), alphabet)
    handsets = shown(*others, alphabet=alphabet)
    assert texts(handsets) == []
    (missing,) = handsets.incomplete.values()
    assert missing == {1}
    handsets.take(first)
    assert texts(handsets) == [text]
    assert handsets.messages[0].segments == len(others) + 1
    assert handsets.incomplete == {}


def test_messages_of_one_segment_are_shown_at_once() -> None:
    handsets = shown(taken(b"hello"), taken(b"", tlvs=((TLV_MESSAGE_PAYLOAD, b"x" * 500),)), taken(b"\0", 4))
    assert texts(handsets) == ["hello", "x" * 500, None]


def test_what_is_no_segment_of_anything_is_a_message() -> None:
    half = ((TLV_SAR_MSG_REF_NUM, b"\0\1"), (TLV_SAR_TOTAL_SEGMENTS, b"\2"))
    assert read_segment(SubmitSm(tlvs=half)) is None
    assert read_segment(SubmitSm(esm_class=0x40, short_message=b"\5\0\3\1\2\3x")) is None, "3 of 2"
    assert read_segment(SubmitSm(esm_class=0x40, short_message=b"\5\0\3\1\3\2x")) == Concat(
        ref=1, total=3, seq=2
    )


def test_a_segment_that_comes_again_is_shown_once_and_told() -> None:
    first, second, third = segments("hello " * 60)
    handsets = shown(first, first, second, third, second)
    assert texts(handsets) == ["hello " * 60]
    assert [submit.segment.seq for submit in handsets.twice if submit.segment] == [1, 2]
    assert handsets.incomplete == {}


def test_two_messages_under_one_reference_are_told() -> None:
    one, other = segments("hello " * 60), segments("other " * 60)
    handsets = shown(one[0], other[1], other[0], one[1])
    assert texts(handsets) == []
    assert handsets.mixed == [other[0], one[1]]
    assert handsets.incomplete == {SERIES: {3}}


def test_one_message_under_two_references_never_becomes_whole() -> None:
    text = "hello " * 40
    first, _ = segments(text, Manner(header="udh8"))
    _, second = segments(text, Manner(header="sar"))
    assert texts(shown(first, second)) == [text], "the same number"
    moved = taken(second.octets, 0, 0, ((second.tlvs[0][0], b"\0\x08"), *second.tlvs[1:]))
    handsets = shown(first, moved)
    assert texts(handsets) == []
    assert len(handsets.incomplete) == 2


def test_a_reference_may_be_used_again_when_its_message_is_whole() -> None:
    one, other = segments("hello " * 60), segments("other " * 60)
    handsets = shown(*one, *other)
    assert texts(handsets) == ["hello " * 60, "other " * 60]
    assert not handsets.twice
    assert not handsets.mixed


@pytest.mark.parametrize("text", ["x" * 152 + "€" + "x" * 20, "я" * 66 + "😀" + "я" * 20])
def test_a_character_cut_in_two_is_never_shown_right(text: str) -> None:
    assert texts(shown(*segments(text))) == [text]
    assert texts(shown(*segments(text, Manner(naive=True)))) != [text]


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\ufffe")
"""Without byte order marks and NULs, which readers take off."""


@given(text=st.text(CHARACTERS, max_size=400), data=st.data())
def test_any_text_in_any_order_is_shown(text: str, data: st.DataObject) -> None:
    header = data.draw(st.sampled_from(HEADERS))
    submits = data.draw(st.permutations(segments(text, Manner(header=header))))
    assert texts(shown(*submits)) == [text]
