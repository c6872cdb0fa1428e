"""Messages of a bench: valid MTs, receipts as any reader reads them, MOs that all differ, and back to their rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.submit import LongSubmit, SubmitOptions, build_submit
from bridge.model.mt import Mt
from bridge.outbound.body import read_mt
from bridge.proof.bench_messages import (
    MOST_ROWS,
    SENDER,
    Mos,
    Mts,
    Receipts,
    handset,
    mt_body,
    mt_id,
    row_of,
    segment_of,
)
from bridge.simulator.receipts import build_receipt
from bridge.smpp.codec import decode_deliver_sm, encode_deliver_sm

rows = st.integers(0, MOST_ROWS - 1)
FIRST = 2_000_000_000


@given(rows)
def test_every_row_is_a_valid_mt_and_its_number_tells_the_row(row: int) -> None:
    mt = read_mt(mt_body("abc", row), None, 10_000)
    assert isinstance(mt, Mt), mt
    assert mt.id.encode() == mt_id("abc", row)
    assert row_of(mt.to.encode(), 0, len(mt.to)) == row


@given(rows, st.integers(2, 10), st.integers(0, 255))
def test_a_long_mt_takes_as_many_segments_as_asked_and_each_tells_row_and_number(
    row: int, segments: int, reference: int
) -> None:
    mt = read_mt(Mts("abc", ["default"], segments).body(row), None, 10_000)
    assert isinstance(mt, Mt), mt
    built = build_submit(mt, SENDER, SubmitOptions(), 0.0)
    assert isinstance(built, LongSubmit)
    assert built.count == segments
    for number in range(1, segments + 1):
        octets = b"before" + built.body(number, reference) + b"behind"
        assert row_of(octets, 6, len(octets) - 6) == row
        assert segment_of(octets, 6, len(octets) - 6) == (number, segments)


@given(rows)
def test_an_mt_of_one_segment_is_one_of_one(row: int) -> None:
    mts = Mts("abc", ["default"])
    assert (mts.body(row), mts.ident(row)) == (mt_body("abc", row), mt_id("abc", row))
    mt = read_mt(mts.body(row), None, 10_000)
    assert isinstance(mt, Mt), mt
    built = build_submit(mt, SENDER, SubmitOptions(), 0.0)
    assert isinstance(built, bytes)
    assert segment_of(built, 0, len(built)) == (1, 1)


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x05\x00\x03abc", handset(1), handset(1) + b"\x05\x00\x03ab", b"\x05\x00\x03abc" + handset(1)],
)
def test_what_has_no_whole_header_behind_its_number_is_one_of_one(octets: bytes) -> None:
    assert segment_of(octets + b"xyz", 0, len(octets)) == (1, 1)


def test_mts_are_spread_evenly_over_their_routes() -> None:
    mts = Mts("abc", ["a", "b", "c"])
    assert [mts.route(row) for row in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_each_piece_of_a_row_has_a_name_of_its_own_and_the_number_of_the_row() -> None:
    receipts = Receipts(FIRST, "2611221600", 3)
    pieces = range(6, 9)  # of row 2
    assert [receipts.smsc_id(piece) for piece in pieces] == [b"2000000006", b"2000000007", b"2000000008"]
    assert {decode_deliver_sm(receipts.body(piece)).source_addr.encode() for piece in pieces} == {handset(2)}


@given(rows)
def test_a_receipt_is_what_the_simulator_would_send(row: int) -> None:
    receipts = Receipts(FIRST, "2611221600")
    at = 1_795_363_200.0  # 2026-11-22, 16:00
    built = build_receipt(
        receipts.smsc_id(row).decode(),
        "DELIVRD",
        handset=handset(row).decode(),
        sender=SENDER,
        submitted_at=at,
        done_at=at,
        text=b"your code",
    )
    found = decode_deliver_sm(receipts.body(row))
    assert found.short_message == built.short_message
    assert (found.source_addr, found.destination_addr) == (built.source_addr, built.destination_addr)
    assert (found.esm_class, found.tlvs) == (built.esm_class, built.tlvs)
    assert encode_deliver_sm(found) == receipts.body(row)


@given(rows)
def test_an_mo_names_its_row_and_its_round(row: int) -> None:
    mo = decode_deliver_sm(Mos("77").body(row))
    assert mo.source_addr.encode() == handset(row)
    assert mo.short_message == b"YES %b of 77" % handset(row)


@given(st.binary(max_size=40), rows, st.binary(max_size=40))
def test_the_row_is_found_in_the_middle_of_octets(before: bytes, row: int, after: bytes) -> None:
    octets = before.replace(b"4", b"") + b"\0" + handset(row) + b"\0" + after
    assert row_of(octets, 0, len(octets)) == row


@given(st.binary())
def test_octets_of_any_kind_are_a_row_or_none(octets: bytes) -> None:
    assert -1 <= row_of(octets, 0, len(octets)) < MOST_ROWS


@pytest.mark.parametrize(
    "octets", [b"", b"44770090", b"4477009012345", b"44770090\xb212345", b"4477009 123456"]
)
def test_less_than_a_number_is_no_row(octets: bytes) -> None:
    assert row_of(octets, 0, len(octets)) == -1
