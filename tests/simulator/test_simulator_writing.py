"""Texts as phones write them: in as few segments as phones make of them, cut between characters or through them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.simulator.writing import HEADERS, Header, Keypad, Manner
from bridge.smpp import consts
from bridge.smpp.pdus import DeliverSm

ESCAPE = 0x1B


def written(
    text: str, manner: Manner | None = None, *, alphabet: str = "gsm", reference: int = 7
) -> list[tuple[int, DeliverSm]]:
    return Keypad(alphabet).write(
        text, source="1", destination="2", manner=manner or Manner(), reference=reference
    )


def bodies(text: str, manner: Manner | None = None, *, alphabet: str = "gsm") -> list[bytes]:
    """The segments' octets without their headers."""
    return [
        pdu.short_message[pdu.short_message[0] + 1 if pdu.esm_class else 0 :]
        for _, pdu in written(text, manner, alphabet=alphabet)
    ]


@pytest.mark.parametrize(
    ("text", "alphabet", "data_coding"),
    [
        ("x" * 160, "gsm", 0),
        ("я" * 70, "gsm", 8),
        ("é" * 140, "latin1", 0),
        ("é" * 70, "utf-8", 0),
        ("日" * 70, "shift_jis", 0),
        ("я" * 70, "ascii", 8),
    ],
)
def test_a_text_that_one_segment_holds_has_no_header(text: str, alphabet: str, data_coding: int) -> None:
    ((number, pdu),) = written(text, alphabet=alphabet)
    assert (number, pdu.data_coding, pdu.esm_class, pdu.tlvs) == (0, data_coding, 0, ())
    assert len(written(text + text[0], alphabet=alphabet)) == 2


@pytest.mark.parametrize(
    ("text", "header", "lengths"),
    [
        ("x" * 306, "udh8", [153, 153]),
        ("x" * 306, "sar", [153, 153]),
        ("x" * 306, "udh16", [152, 152, 2]),
        ("я" * 134, "udh8", [134, 134]),
        ("я" * 134, "udh16", [132, 132, 4]),
    ],
)
def test_segments_are_as_full_as_phones_make_them(text: str, header: Header, lengths: list[int]) -> None:
    for naive in (False, True):
        assert [len(body) for body in bodies(text, Manner(header=header, naive=naive))] == lengths


@pytest.mark.parametrize(
    ("header", "udh"), [("udh8", bytes((5, 0, 3, 0xD2, 2, 2))), ("udh16", bytes((6, 8, 4, 4, 0xD2, 2, 2)))]
)
def test_a_header_names_the_segment(header: Header, udh: bytes) -> None:
    _, (number, pdu) = written("x" * 200, Manner(header=header), reference=0x0304D2)
    assert (number, pdu.esm_class, pdu.tlvs) == (2, consts.ESM_CLASS_UDHI, ())
    assert pdu.short_message.startswith(udh)


def test_tlvs_name_the_segment() -> None:
    _, (_, pdu) = written("x" * 200, Manner(header="sar"), reference=0x0304D2)
    assert (pdu.esm_class, pdu.short_message) == (0, b"x" * 47)
    assert dict(pdu.tlvs) == {
        consts.TLV_SAR_MSG_REF_NUM: b"\x04\xd2",
        consts.TLV_SAR_TOTAL_SEGMENTS: b"\2",
        consts.TLV_SAR_SEGMENT_SEQNUM: b"\2",
    }


def test_only_a_naive_phone_cuts_through_a_character() -> None:
    euro = "x" * 152 + "€" + "x" * 20
    assert [body[-1] == ESCAPE for body in bodies(euro, Manner(naive=True))] == [True, False]
    assert [body[-1] == ESCAPE for body in bodies(euro)] == [False, False]
    smile = "я" * 66 + "😀" + "я" * 20
    first, second = bodies(smile, Manner(naive=True))
    assert (first[-2:], second[:2]) == (b"\xd8\x3d", b"\xde\x00")
    first, second = bodies(smile)
    assert (len(first), second[:4]) == (132, b"\xd8\x3d\xde\x00")


def test_packed_septets_leave_room_for_the_header() -> None:
    (whole,) = bodies("x" * 160, alphabet="gsm-packed")
    first, _ = bodies("x" * 161, alphabet="gsm-packed")
    assert (len(whole), len(first)) == (140, 134)
    assert first[0] & 1 == 0, "one fill bit after six octets of header"


def test_what_cannot_be_sent_so_is_refused() -> None:
    with pytest.raises(ValueError, match="text: needs 262 segments"):
        written("x" * 40_000)
    with pytest.raises(ValueError, match="order: the segments are 1 to 2"):
        written("x" * 200, Manner(order=(0,)))
    with pytest.raises(ValueError, match="header: must be one of udh8, udh16, sar"):
        Manner(header="udh9")  # type: ignore[arg-type]


@given(text=st.text(max_size=500), header=st.sampled_from(HEADERS), naive=st.booleans())
@example(text="¢", header="udh8", naive=False)  # cp932 makes a wide sign of it
def test_the_octets_of_all_segments_are_those_of_the_text(text: str, header: Header, naive: bool) -> None:
    for alphabet in ("gsm", "utf-8", "shift_jis"):
        try:
            pdus = written(text, Manner(header=header, naive=naive), alphabet=alphabet)
        except UnicodeEncodeError:  # half a surrogate pair: no phone has a key for that
            assert any("\ud800" <= character <= "\udfff" for character in text)
            return
        assert [number for number, _ in pdus] == ([0] if len(pdus) == 1 else list(range(1, len(pdus) + 1)))
        octets = b"".join(bodies(text, Manner(header=header, naive=naive), alphabet=alphabet))
        if pdus[0][1].data_coding == 8:
            assert octets.decode("utf-16-be") == text
        elif alphabet != "gsm":
            assert octets.decode("cp932" if alphabet == "shift_jis" else alphabet) == text
