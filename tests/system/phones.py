"""Long texts for system tests, and which MT a submit_sm belongs to: each word of such a text is the MT's id."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from bridge.simulator.network import Network
from bridge.simulator.records import Submit
from bridge.smpp.consts import ESM_CLASS_UDHI

GSM_ROOM, UCS2_ROOM = 152, 66
"""Characters of a segment beside the longest header; beside a shorter one it is one more."""
NOT_GSM = "я"


def long_text(mt_id: str, segments: int = 3, *, ucs2: bool = False) -> str:
    """A text that fills so many segments, whatever tells which is which; the last of them by half."""
    room = UCS2_ROOM if ucs2 else GSM_ROOM
    word = f"{mt_id}{NOT_GSM if ucs2 else ''} "
    return (word * (segments * room))[: (segments - 1) * room + room // 2]


def three(mt_id: str) -> str:
    """A text of three segments."""
    return long_text(mt_id, 3)


def mixed(mt_id: str) -> str:
    """By the number in the id: every other one its id alone, else two to five segments, some of them in UCS-2."""
    number = int(mt_id.rpartition("-")[2])
    return long_text(mt_id, 2 + number // 2 % 4, ucs2=number % 4 == 1) if number % 2 else mt_id


def mt_id_in(text: str) -> str:
    """The id that a text, or the text of one segment, names: its second word, as the first one may be cut."""
    words = text.split(" ")
    return (words[1] if len(words) > 2 else words[0]).removesuffix(NOT_GSM)


def mt_of(submit: Submit) -> str:
    """The id of the MT that this is, or is a segment of."""
    octets = submit.octets
    if submit.esm_class & ESM_CLASS_UDHI:
        octets = octets[octets[0] + 1 :]
    return mt_id_in(octets.decode("utf-16-be" if submit.data_coding == 8 else "ascii"))


def times_taken(submits: Iterable[Submit]) -> Counter[str]:
    """How often each MT was taken: of a long one, the segment that was taken most often."""
    segments: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for submit in submits:
        segments[mt_of(submit)][submit.segment.seq if submit.segment else 0] += 1
    return Counter({mt_id: max(times.values()) for mt_id, times in segments.items()})


def references(network: Network) -> dict[str, set[int]]:
    """The references under which segments of each MT were taken."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for submit in network.messages:
        if submit.segment:
            found[mt_of(submit)].add(submit.segment.ref)
    return dict(found)


def shown(network: Network) -> Counter[str | None]:
    """The texts that phones show, whole."""
    return Counter(message.text for message in network.handsets.messages)
