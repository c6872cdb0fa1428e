"""What an SMSC is sent, a phone shows: any text and any octets, on any account, in any way of sending long messages."""

from random import Random
from typing import get_args

import smpp34
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.dialects import SMPP_DIALECTS
from bridge.dialects.dialect import Dialect
from bridge.dialects.submit import LongMessages, SubmitOptions, build_submit
from bridge.model.inbound import NO_SHIFTS, Concat
from bridge.model.mt import Encoding
from bridge.model.outcome import Rejected
from bridge.smpp.consts import ESM_CLASS_UDHI
from bridge.text.national import LANGUAGES
from bridge.text.udh import read_udh
from tests.dialects.submits import PAYLOAD, PORTS, REF_NUM, SEQNUM, TOTAL, mt, read_all, tlvs

TURKISH, HINDI = LANGUAGES["turkish"], LANGUAGES["hindi"]
LONG_MESSAGES = st.sampled_from(get_args(LongMessages))
TEXT_ENCODINGS: tuple[Encoding, ...] = ("auto", "gsm", "ucs2", "latin1", "utf8", "ascii")
SIGNS = (*"aZ@[~€é\r\nëşğıİ¥\\語ｱжहि", "😀", "👨‍👩‍👧", "🇬🇧", "e\u0301", "각", "\r\n")
TEXTS = st.builds(
    lambda signs, times, rest: "".join(signs) * times + rest,
    st.lists(st.sampled_from(SIGNS), max_size=8),
    st.integers(1, 120),
    st.text(max_size=8),
)


def shown(pdus: list[smpp34.SubmitSm], options: SubmitOptions) -> str | None:
    """What a phone makes of segments that come in any order."""
    segments: list[tuple[Concat, bytes]] = []
    shifts = NO_SHIFTS
    for pdu in pdus:
        given_tlvs = tlvs(pdu)
        octets = pdu.short_message or given_tlvs.get(PAYLOAD, b"")
        header = read_udh(octets) if pdu.esm_class & ESM_CLASS_UDHI else None
        header_octets = header.octets if header else 0
        shifts = header.shifts if header else NO_SHIFTS
        text = octets[header_octets:]
        if options.alphabets.packed(pdu.data_coding):
            assert len(octets) <= 140 or PAYLOAD in given_tlvs
            text = unpacked(text, header_octets)
        segments.append(((header and header.concat) or sar(given_tlvs), text))
    segments.sort(key=lambda segment: segment[0].seq)
    assert len({(concat.ref, concat.total) for concat, _ in segments}) == 1
    assert [concat.seq for concat, _ in segments] == list(range(1, segments[0][0].total + 1))
    joined = b"".join(text for _, text in segments)
    return options.alphabets.decode(joined, pdus[0].data_coding, shifts).text


def sar(given_tlvs: dict[int, bytes]) -> Concat:
    return Concat(
        ref=int.from_bytes(given_tlvs.get(REF_NUM, b""), "big"),
        total=given_tlvs.get(TOTAL, b"\1")[0],
        seq=given_tlvs.get(SEQNUM, b"\1")[0],
    )


def unpacked(octets: bytes, header_octets: int) -> bytes:
    """Bit by bit, as TS 23.038, 6.1.2.1 has it; a CR that ends with the octets is padding (6.1.2.3.1)."""
    bits = [octet >> place & 1 for octet in octets for place in range(8)][-header_octets * 8 % 7 :]
    septets = [
        sum(bit << place for place, bit in enumerate(bits[start : start + 7]))
        for start in range(0, len(bits) - 6, 7)
    ]
    if septets and len(bits) % 7 == 0 and septets[-1] == 0x0D:
        septets.pop()
    return bytes(septets)


@given(
    TEXTS,
    st.sampled_from(TEXT_ENCODINGS),
    LONG_MESSAGES,
    st.sampled_from(["gsm", "gsm-packed", "ascii", "latin1", "utf-8", "shift_jis"]),
    st.sampled_from(list(SMPP_DIALECTS.values())),
    st.sampled_from([(), (TURKISH,), (HINDI, TURKISH)]),
    st.integers(0, 1_000_000),
    st.randoms(use_true_random=False),
)
def test_a_phone_shows_the_text(
    text: str,
    encoding: Encoding,
    long_messages: LongMessages,
    default_alphabet: str,
    dialect: Dialect,
    national_tables: tuple[int, ...],
    reference: int,
    random: Random,
) -> None:
    assume(not text.startswith(("\ufeff", "\ufffe")))  # byte order marks
    assume(not text.endswith("\0"))  # ends a text but in GSM
    options = SubmitOptions(
        long_messages=long_messages,
        default_alphabet=default_alphabet,
        dialect=dialect,
        national_tables=national_tables,
        max_segments=255,
    )
    built = build_submit(mt(text=text, encoding=encoding), "12345", options, 0.0)
    if isinstance(built, Rejected):
        assert encoding != "auto"
        assert "cannot be written" in built.reason or "no data_coding" in built.reason
        return
    pdus = read_all(built, reference)
    random.shuffle(pdus)
    assert shown(pdus, options) == text


@given(st.binary(max_size=2000), st.sampled_from([b"", PORTS]), LONG_MESSAGES)
def test_a_phone_gets_the_octets(data: bytes, udh: bytes, long_messages: LongMessages) -> None:
    options = SubmitOptions(long_messages=long_messages, max_segments=255)
    joined = b""
    for pdu in read_all(build_submit(mt(data=data, udh=udh), "12345", options, 0.0)):
        octets = pdu.short_message or tlvs(pdu).get(PAYLOAD, b"")
        header = read_udh(octets) if pdu.esm_class & ESM_CLASS_UDHI else None
        assert bool(udh) == bool(header and header.ports)
        assert len(pdu.short_message) <= 140
        joined += octets[header.octets :] if header else octets
    assert joined == data
