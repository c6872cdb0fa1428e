"""What people see on their phones: MTs put together from the segments that the provider took. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from bridge.model.inbound import NO_SHIFTS
from bridge.simulator.records import Submit
from bridge.smpp.consts import ESM_CLASS_UDHI
from bridge.text.alphabets import Alphabets
from bridge.text.packing import unpack
from bridge.text.udh import read_udh


class Message(NamedTuple):
    """What a phone shows, whole. `text` is None where it is binary data."""

    source: str
    destination: str
    text: str | None
    segments: int


class Series(NamedTuple):
    """What a phone takes for the segments of one message."""

    source: str
    destination: str
    reference: int
    total: int


class Handsets:
    """The phones of everybody who is written to.

    They read each segment by itself, as old ones do: a character that was cut in two is never shown right.
    `messages` are those they have whole, in the order in which they became so. `twice`: segments that came again;
    `mixed`: segments that belong to another message than the others of their series. Both are shown once only.
    """

    def __init__(self, alphabets: Alphabets) -> None:
        self.messages: list[Message] = []
        self.twice: list[Submit] = []
        self.mixed: list[Submit] = []
        self._alphabets = alphabets
        self._series: dict[Series, dict[int, Submit]] = {}

    @property
    def incomplete(self) -> Mapping[Series, frozenset[int]]:
        """The series that are not whole, with the numbers that are missing."""
        return {
            series: frozenset(range(1, series.total + 1)) - came.keys()
            for series, came in self._series.items()
            if len(came) < series.total
        }

    def take(self, submit: Submit) -> None:
        """One more copy on the air."""
        segment = submit.segment
        if segment is None:
            self._show(submit.source, submit.destination, [submit])
            return
        series = Series(submit.source, submit.destination, segment.ref, segment.total)
        came = self._series.setdefault(series, {})
        earlier = came.get(segment.seq)
        if earlier is not None:
            if (earlier.octets, earlier.data_coding) == (submit.octets, submit.data_coding):
                self.twice.append(submit)
                return
            if len(came) < series.total:
                self.mixed.append(submit)
                return
            came.clear()  # the message before is whole: its reference is used again
        came[segment.seq] = submit
        if len(came) == series.total:
            self._show(submit.source, submit.destination, [came[number] for number in sorted(came)])

    def _show(self, source: str, destination: str, segments: list[Submit]) -> None:
        texts = [self._read(segment) for segment in segments]
        text = None if None in texts else "".join(text or "" for text in texts)
        self.messages.append(Message(source, destination, text, len(segments)))

    def _read(self, submit: Submit) -> str | None:
        header = read_udh(submit.octets) if submit.esm_class & ESM_CLASS_UDHI else None
        if header is None:
            octets, shifts = submit.octets, NO_SHIFTS
        else:
            octets, shifts = submit.octets[header.octets :], header.shifts
        if self._alphabets.packed(submit.data_coding):
            octets = unpack(octets, header.octets if header else 0)
        return self._alphabets.decode(octets, submit.data_coding, shifts).text
