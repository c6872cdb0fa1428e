"""The corpus of receipts and MOs as real SMSCs send them: its cases, and how what was understood is compared.

One line of `receipts.jsonl` is a PDU with the account's default alphabet and what a correct reading gives. What
a case expects and what was told by somebody (a reader, an event) are maps with the same keys, compared key by
key: id, state, error, submit_date, done_date, sub, dlvrd and text; of MOs also segments, concat, ports and
binary_hex. A key that a case does not name is not compared; None is "not there or not readable".
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.dialects.deliver import ReadOptions, join_segments, read_inbound
from bridge.model.inbound import Dr, Mo, MoSegment
from bridge.smpp.consts import ESM_CLASS_UDHI
from bridge.smpp.pdus import DataSm, DeliverSm, Tlv
from bridge.text.receipt import ReceiptPdu, read_receipt
from bridge.text.udh import read_udh

HANDSET = "447700900123"
OURS = "12345"

_FILE = Path(__file__).with_name("receipts.jsonl")
_NO_RECEIPT = ("id", "state", "error", "submit_date", "done_date", "sub", "dlvrd")

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One PDU and what it says. `submit_resp_id`: where known, the id that the answer to its MT had carried."""

    name: str
    data_sm: bool
    esm_class: int
    data_coding: int
    short_message: bytes
    tlvs: tuple[Tlv, ...]
    default_alphabet: str
    submit_resp_id: str | None
    expect: Mapping[str, Any]

    @property
    def options(self) -> ReadOptions:
        """How its account is read."""
        return ReadOptions(default_alphabet=self.default_alphabet)

    def pdu(self, source: str | None = None, destination: str | None = None) -> DeliverSm:
        """From a handset to a number of ours; the corpus has no addresses."""
        return (DataSm if self.data_sm else DeliverSm)(
            source_addr=source or HANDSET,
            destination_addr=destination or OURS,
            esm_class=self.esm_class,
            data_coding=self.data_coding,
            short_message=self.short_message,
            tlvs=self.tlvs,
        )


def cases() -> list[Case]:
    """All of them, in the order of the file."""
    return [_case(json.loads(line)) for line in _FILE.read_text(encoding="utf-8").splitlines()]


def _case(line: dict[str, Any]) -> Case:
    expect: Told = line["expect"]
    if expect["kind"] == "mo":
        expect["segments"] = expect["concat"]["total"] if "concat" in expect else 1
    return Case(
        name=line["name"],
        data_sm=line.get("pdu") == "data_sm",
        esm_class=line["esm_class"],
        data_coding=line["data_coding"],
        short_message=bytes.fromhex(line["short_message_hex"]),
        tlvs=tuple((int(tag, 16), bytes.fromhex(value)) for tag, value in line["tlvs"].items()),
        default_alphabet=line.get("default_alphabet", "gsm"),
        submit_resp_id=line.get("submit_resp_id"),
        expect=expect,
    )


def differences(expect: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """What was told otherwise than expected. Keys that are not told at all are not compared."""
    return [
        f"{key}: expected {expect[key]!r}, told {told[key]!r}"
        for key in expect
        if key in told and told[key] != expect[key]
    ]


def told_by_reader(pdu: DeliverSm, options: ReadOptions) -> Told:
    """All that the pure readers say of a PDU."""
    inbound = read_inbound(pdu, options)
    if isinstance(inbound, Dr):
        return _told_by_dr(inbound, pdu)
    if isinstance(inbound, MoSegment):
        return _told_by_mo(join_segments([inbound], options)) | {
            "concat": asdict(inbound.concat),
            "binary_hex": inbound.octets.hex(),
        }
    return _told_by_mo(inbound)


def _told_by_dr(dr: Dr, pdu: DeliverSm) -> Told:
    header = read_udh(pdu.payload) if pdu.esm_class & ESM_CLASS_UDHI else None
    receipt = read_receipt(  # sub and dlvrd go no further than this
        ReceiptPdu(
            esm_class=pdu.esm_class,
            body=pdu.payload[header.octets if header else 0 :],
            message_id=None,
            message_state=None,
            network_error=None,
        ),
        lambda octets: octets.decode("latin-1"),
    )
    return {
        "kind": "dr",
        "id": dr.ids[0] if dr.ids else None,
        "state": dr.state,
        "error": dr.error,
        "submit_date": dr.submitted_at,
        "done_date": dr.done_at,
        "sub": receipt.sub,
        "dlvrd": receipt.dlvrd,
        "text": dr.text,
    }


def _told_by_mo(mo: Mo) -> Told:
    return dict.fromkeys(_NO_RECEIPT) | {
        "kind": "mo",
        "text": mo.text,
        "segments": mo.segments,
        "concat": None,
        "ports": asdict(mo.ports) if mo.ports else None,
        "binary_hex": mo.data.hex() if mo.data is not None else None,
    }


def told_by_event(body: Mapping[str, Any]) -> Told:
    """What the body of a `dr` or `mo` event says: of a receipt neither sub nor dlvrd, of a segment not which."""
    if body["type"] == "dr":
        return {
            "kind": "dr",
            "id": body["smsc_id"],
            "state": body["state"],
            "error": body["error"],
            "submit_date": body["submitted_at"],
            "done_date": body["done_at"],
            "text": body["text"],
        }
    data = body["data"]
    # of a segment the octets are in `raw`, whatever could be read of them
    octets = base64.b64decode(data).hex() if data is not None else body["raw"]["short_message"]
    return dict.fromkeys(_NO_RECEIPT) | {
        "kind": body["type"],
        "text": body["text"],
        "segments": body["segments"],
        "ports": body["ports"],
        "binary_hex": octets,
    }
