"""Choosing how the text of an MT is written on an account, in segments. What data_coding means is `alphabets.py`'s.

What a segment holds: 140 octets, its user data header included; of GSM 160 septets, which travel as an octet
each (or packed, where the account says so) and are packed on the air, from the next septet after the header.

Text in the account's default alphabet where that is ASCII, Latin-1 or UTF-8 (data_coding 0) is not yet what the
phone gets: the SMSC transcribes it to GSM 03.38. If GSM has all its characters it is therefore counted as their
septets, so that neither 160 letters become two segments nor 100 brackets one, and kept within the 254 octets
that short_message can have. If not, the phone gets UCS-2: a segment with a number must fit as that, too (one
without the SMSC can still cut itself). Everything else goes to the phone as it is, and is counted by its octets.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from bridge.model.inbound import NO_SHIFTS, Shifts
from bridge.text import gsm, national
from bridge.text.alphabets import Alphabets, Unencodable
from bridge.text.split import Limit, cut
from bridge.text.udh import write_udh

SEGMENT_OCTETS = 140
"""What one SMS carries on the air, user data header included."""

_SEPTETS = SEGMENT_OCTETS * 8 // 7

MOST_SEGMENTS = 255
"""The octet that counts the segments of a message ends there."""

CONCAT_OCTETS = 5
"""What the number of a segment takes of its header, with an 8-bit reference (3GPP TS 23.040, 9.2.3.24.1)."""

SHORT_MESSAGE_OCTETS = 254
"""The most that short_message takes (SMPP 3.4, 5.2.22)."""

_TRANSCRIBED = ("ascii", "latin1", "utf8")

_TWO_SEPTETS = re.compile("[" + re.escape("".join(gsm.EXTENSION.values())) + "]")
_LOST_IN_SHIFT_JIS = re.compile("[\u00a2\u00a3\u00ac\u2016\u2212\u301c\x1b]")
"""What the codec writes as the wide form of the character; and the escape, which announces ISO-2022-JP."""

_Write = Callable[[str], bytes]


class TooLong(ValueError):
    """More segments than allowed; the text says how many."""

    def __init__(self, needs: str, most: int) -> None:
        super().__init__(f"needs {needs}, this provider takes {most} (max_segments)")


class Written(NamedTuple):
    """What an MT says, in segments: the octets of each, free of any header, and what tells how to read them.

    `header`: the user data header of each segment but for its number; of a text, mostly none: it names national
    tables. GSM has an octet for each septet; `packed`: they are to be packed behind the header.
    """

    pieces: tuple[bytes, ...]
    encoding: str
    data_coding: int
    header: bytes = b""
    packed: bool = False


class _Room(NamedTuple):
    """How much an only segment, and one of several, has for the octets that `write` makes of a text."""

    write: _Write
    only: int
    part: int


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a text. What takes up to `safe` octets fits into one segment, whatever it says.

    A segment must keep within all `rooms`; within `rooms_of_gsm` in their place where GSM has all characters.
    """

    encoding: str
    data_coding: int
    write: _Write
    safe: int
    rooms: tuple[_Room, ...]
    rooms_of_gsm: tuple[_Room, ...] = ()
    header: bytes = b""
    packed: bool = False

    def rooms_for(self, text: str) -> tuple[_Room, ...]:
        return self.rooms_of_gsm if self.rooms_of_gsm and _is_gsm(text) else self.rooms


class Writer:
    """Writes texts for one account. `languages`: whose national tables, by number, its GSM may use.

    `concat_octets`: what the number of a segment takes in its header; `most`: segments of one text; `longest`:
    octets of a PDU's text, header included, where more is allowed than goes on the air.
    """

    def __init__(
        self,
        alphabets: Alphabets,
        languages: tuple[int, ...] = (),
        *,
        concat_octets: int = CONCAT_OCTETS,
        most: int = MOST_SEGMENTS,
        longest: int = SHORT_MESSAGE_OCTETS,
    ) -> None:
        self._alphabets = alphabets
        self._concat_octets = concat_octets
        self._most = most
        self._longest = longest
        shifts = (NO_SHIFTS, *(pair for language in languages for pair in _shifts(language)))
        self._forms = {
            word: tuple(map(self._gsm, shifts)) if word == "gsm" else (self._plain(word),)
            for word in _WRITERS
            if self._has(word)
        }
        # In `auto` nothing else: SMSCs transcribe what is not their default alphabet, and that may lose.
        words = dict.fromkeys((alphabets.default, "gsm", "ucs2"))
        self._forms["auto"] = tuple(form for word in words for form in self._forms.get(word, ()))

    def write(self, text: str, encoding: str) -> Written:
        """The text in this encoding, or by `auto` in the one that needs the fewest segments and loses nothing.

        Among equals the account's default alphabet comes first, then GSM, then UCS-2. Raises Unencodable (for
        half a surrogate pair too) and TooLong.
        """
        forms = self._forms.get(encoding)
        if not forms:
            raise Unencodable(None, encoding)
        if len(text) > MOST_SEGMENTS * _SEPTETS:  # too long in any, and long to find that out in each
            raise TooLong(f"more than {MOST_SEGMENTS} segments", self._most)
        long: list[tuple[int, _Form]] = []
        missing, named = -1, encoding
        for form in forms:
            try:
                octets = form.write(text)
            except UnicodeEncodeError as error:
                if error.start >= missing:
                    missing, named = error.start, form.encoding
                continue
            if len(octets) <= form.safe or _fits(text, octets, form):
                return Written((octets,), form.encoding, form.data_coding, form.header, form.packed)
            long.append((_at_least(text, form), form))
        if not long:
            raise Unencodable(text[missing], named)
        return self._shortest(text, long)

    def _shortest(self, text: str, forms: Sequence[tuple[int, _Form]]) -> Written:
        """The first that needs the fewest segments, of forms and how many each needs at the least.

        Cutting takes time: what cannot be shorter is not cut.
        """
        shortest = self._cut(text, forms[0][1])
        for least, form in forms[1:]:
            if least < _segments(shortest):
                shortest = min(shortest, self._cut(text, form), key=_segments)
        if _segments(shortest) > self._most:
            raise TooLong(f"{_segments(shortest)} segments in {shortest.encoding}", self._most)
        return shortest

    def _cut(self, text: str, form: _Form) -> Written:
        characters = set(text)
        limits = [
            Limit(room.part, {character: len(room.write(character)) for character in characters})
            for room in form.rooms_for(text)
        ]
        pieces = tuple(map(form.write, cut(text, limits, self._most)))
        return Written(pieces, form.encoding, form.data_coding, form.header, form.packed)

    def _has(self, encoding: str) -> bool:
        try:
            self._alphabets.coding_of(encoding)
        except Unencodable:
            return False
        return True

    def _gsm(self, shifts: Shifts) -> _Form:
        write = gsm.encode if shifts == NO_SHIFTS else partial(gsm.encode, shifts=shifts)
        data_coding = self._alphabets.coding_of("gsm")
        packed = self._alphabets.packed(data_coding)
        header = write_udh(shifts=shifts)
        room = self._septets(partial(_padded, write) if packed else write, len(header))
        return _Form("gsm", data_coding, write, room.only - packed, (room,), header=header, packed=packed)

    def _plain(self, encoding: str) -> _Form:
        write = _WRITERS[encoding]
        data_coding = self._alphabets.coding_of(encoding)
        header = 1 + self._concat_octets
        octets = _Room(write, SEGMENT_OCTETS, SEGMENT_OCTETS - header)
        if data_coding or encoding not in _TRANSCRIBED:
            return _Form(encoding, data_coding, write, octets.only, (octets,))
        septets = self._septets(gsm.encode)
        pdu = _Room(write, self._longest, self._longest - header)
        ucs2 = _Room(_WRITERS["ucs2"], 2 * octets.only, octets.part)
        safe = septets.only // 2  # no character takes more than two septets or less than an octet
        return _Form(encoding, data_coding, write, safe, (octets, ucs2), (septets, pdu))

    def _septets(self, write: _Write, header: int = 0) -> _Room:
        """`header`: octets of a user data header that names the tables."""
        part_header = (header or 1) + self._concat_octets
        return _Room(write, *((SEGMENT_OCTETS - octets) * 8 // 7 for octets in (header, part_header)))


def _shifts(language: int) -> Iterator[Shifts]:
    """The ways to use a language's tables."""
    yield Shifts(single=language)
    if language in national.LOCKING:
        yield Shifts(locking=language)
        yield Shifts(locking=language, single=language)


def _fits(text: str, octets: bytes, form: _Form) -> bool:
    """Into one segment. What fits as octets needs no counting as GSM if it has nothing that takes two septets."""
    if form.rooms_of_gsm and len(octets) <= SEGMENT_OCTETS and not _TWO_SEPTETS.search(text):
        return True
    return all(len(room.write(text)) <= room.only for room in form.rooms_for(text))


def _at_least(text: str, form: _Form) -> int:
    """So many segments at the least: those there would be if they could be cut anywhere."""
    return max(-(-len(room.write(text)) // room.part) for room in form.rooms_for(text))


def _segments(written: Written) -> int:
    return len(written.pieces)


def _is_gsm(text: str) -> bool:
    try:
        gsm.encode(text)
    except UnicodeEncodeError:
        return False
    return True


def _padded(write: _Write, text: str) -> bytes:
    """What packing must have room for: a CR at the end may need one more, lest it be taken for the padding."""
    septets = write(text)
    return septets + b"\r" if septets.endswith(b"\r") else septets


def _shift_jis(text: str) -> bytes:
    lost = _LOST_IN_SHIFT_JIS.search(text)
    if lost:
        raise UnicodeEncodeError("shift_jis", text, *lost.span(), "comes back as another character")
    return text.encode("cp932")


_WRITERS: Mapping[str, _Write] = {
    "gsm": gsm.encode,
    "ascii": lambda text: text.encode("ascii"),
    "latin1": lambda text: text.encode("latin-1"),
    "utf8": lambda text: text.encode("utf-8"),
    "ucs2": lambda text: text.encode("utf-16-be"),
    "shift_jis": _shift_jis,
}
