"""What comes in: MOs, their segments and DRs, from links that are only a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.inbound.early import EarlyReceipt
from bridge.model.events import Origin
from bridge.model.ids import digest, event_id
from bridge.model.inbound import Concat, Dr, Mo, MoSegment

HANDSET, OURS = "447700900123", "12345"


@dataclass(frozen=True, slots=True)
class Link:
    """A bind, as far as inbound looks at one."""

    name: str = "smsc1:2775"
    provider: str = "p"
    site: str = "one"
    via: Literal["smpp", "http"] = "smpp"


ONE, OTHER = Link(), Link("smsc2:2775", site="two")
ORIGIN = Origin("p", "one", "smpp", "smsc1:2775")


def mo(text: str = "YES", id_: str | None = None) -> Mo:
    return Mo(
        id=id_, from_=HANDSET, to=OURS, text=text, data=None, encoding="gsm", identity=text.encode(), raw={}
    )


def segments(*texts: str, ref: int = 7, from_: str = HANDSET) -> list[MoSegment]:
    """The segments of one long MO."""
    return [
        MoSegment(
            from_=from_,
            to=OURS,
            concat=Concat(ref=ref, total=len(texts), seq=number),
            octets=text.encode("latin-1"),
            data_coding=3,
            identity=digest(text),
            raw={"data_coding": 3},
        )
        for number, text in enumerate(texts, start=1)
    ]


def join(parts: Sequence[MoSegment]) -> Mo:
    """As a dialect joins: any order given; `…` where a segment is missing."""
    total = parts[0].concat.total
    texts = {part.concat.seq: part.octets.decode("latin-1") for part in parts}
    return Mo(
        id=None,
        from_=parts[0].from_,
        to=parts[0].to,
        text="".join(texts.get(number, "…") for number in range(1, total + 1)),
        data=None,
        encoding="latin1",
        identity=digest(*(part.identity for part in parts)),
        segments=total,
        complete=len(texts) == total,
    )


def dr(
    *ids: str,
    state: Any = "delivered",
    from_: str = HANDSET,
    error: str = "000",
    final: bool | None = None,
) -> Dr:
    """A receipt: final unless it says `enroute`, or is told otherwise."""
    return Dr(
        ids=ids,
        state=state,
        final=state != "enroute" if final is None else final,
        error=error,
        network_error=None,
        submitted_at=None,
        done_at=None,
        to=OURS,
        from_=from_,
        text="hello",
        identity=digest(*ids, state, error, from_, OURS),
        raw={"esm_class": 4},
    )


def early_receipt(receipt: Dr, since: float) -> EarlyReceipt:
    """A receipt on its way, first put there at `since` (epoch seconds), as a receiver makes it."""
    key = digest("dr", "p", receipt.identity)
    return EarlyReceipt(receipt, ORIGIN, key, event_id("dr", key), since)
