"""What the demo sees with its own eyes, written into the ledger: the provider's journal, and the events.

The journal is the SMSCs' own file, read while they write it; the events come from a queue bound to the exchange that
consumers use. No worker is asked for anything. Notes on the side what makes a run worth watching: which nodes live,
who is bound to them, what was resent.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from bridge.model.inbound import Concat
from bridge.proof.audit import Ledger
from bridge.smpp.consts import ESM_CLASS_UDHI
from bridge.text.alphabets import Alphabets
from bridge.text.udh import read_udh

_RECEIPT_WANTED = 0b01  # registered_delivery, its last two bits


class Texts(Protocol):
    """The texts that producers published, with the ids of their MTs."""

    def get(self, text: str, /) -> str | None:
        """The MT with this text, if any has it."""
        ...


class JournalFile:
    """The lines of a journal, read while it is written."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        self._rest = b""

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)

    def lines(self) -> Iterator[Mapping[str, Any]]:
        """What was written since the last time."""
        while chunk := os.read(self._file, 1 << 20):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from map(orjson.loads, lines)


@dataclass(slots=True)
class NodeSeen:
    """One SMSC as its journal tells."""

    site: str
    listening: bool = False
    binds: set[str] = field(default_factory=set)
    taken: int = 0


class Witness:
    """Reads and remembers.

    `mt_by_text`: the texts that producers published, with the ids of their MTs; `mt_named_in`: which MT a segment's
    text belongs to.
    """

    def __init__(
        self,
        journal: Path,
        ledger: Ledger,
        mt_by_text: Texts,
        mt_named_in: Callable[[str], str | None],
    ) -> None:
        self.nodes: dict[str, NodeSeen] = {}
        """By `host:port`, in the order in which they came up."""
        self.resent: set[str] = set()
        """MTs that were sent again in doubt."""
        self.seen = 0
        """Lines and events so far: while it grows, something happens."""
        self.counts: dict[str, int] = defaultdict(int)
        """Events by their type, repeats too."""
        self._journal = JournalFile(journal)
        self._ledger = ledger
        self._mt_by_text = mt_by_text
        self._mt_named_in = mt_named_in
        self._pieces: defaultdict[tuple[str | None, int, int], dict[int, str]] = defaultdict(dict)
        self._alphabets = Alphabets()

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    @property
    def binds(self) -> int:
        """Binds that stand now."""
        return sum(len(node.binds) for node in self.nodes.values())

    def hear(self, body: bytes) -> None:
        """An event came out of RabbitMQ."""
        event = orjson.loads(body)
        self.seen += 1
        self.counts[event["type"]] += 1
        self._ledger.event(event)
        if event["type"] == "mt" and event["outcome"] == "resent":
            self.resent.add(event["id"])

    def read(self) -> None:
        """Read what the SMSCs wrote since the last time."""
        for line in self._journal.lines():
            self.seen += 1
            self._note(line)

    def _note(self, line: Mapping[str, Any]) -> None:
        match line["event"]:
            case "submit" if line["message_id"] is not None:
                self._taken(line)
            case "deliver_answer" if line["status"] == 0:
                self._ledger.delivered((line["kind"], line["id"]))
            case "up":
                self._node(line).listening = True
            case "down":
                self._node(line).listening = False
            case "bound":
                self._node(line).binds.add(line["bind"])
            case "lost":
                self._node(line).binds.discard(line["bind"])

    def _taken(self, line: Mapping[str, Any]) -> None:
        """The text tells which MT it is, and so that it arrived unharmed."""
        self._node(line).taken += 1
        text = self._text(line)
        segment = line["segment"] and Concat(
            ref=line["segment"]["reference"], total=line["segment"]["total"], seq=line["segment"]["number"]
        )
        mt_id = self._mt_of_piece(segment, text) if segment else self._mt_by_text.get(text)
        self._ledger.taken(
            mt_id or f"(unknown text {text!r})",
            line["message_id"],
            f"{line['site']} {line['node']}",
            receipt=line["registered_delivery"] & 0b11 == _RECEIPT_WANTED,
            segment=segment,
            spelt=line["receipt_id"],
        )

    def _mt_of_piece(self, segment: Concat, piece: str) -> str | None:
        """With the last of its pieces the whole text must be one that was published."""
        named = self._mt_named_in(piece)
        series = named, segment.ref, segment.total
        pieces = self._pieces[series]
        pieces[segment.seq] = piece
        if len(pieces) < segment.total:
            return named
        del self._pieces[series]
        return self._mt_by_text.get("".join(pieces[number] for number in sorted(pieces)))

    def _text(self, line: Mapping[str, Any]) -> str:
        octets = bytes.fromhex(line["octets"])
        header = read_udh(octets) if line["esm_class"] & ESM_CLASS_UDHI else None
        body = octets[header.octets :] if header else octets
        return self._alphabets.decode(body, line["data_coding"]).text or ""

    def _node(self, line: Mapping[str, Any]) -> NodeSeen:
        return self.nodes.setdefault(line["node"], NodeSeen(line["site"]))
