"""Cutting what is longer than one segment. How much a segment holds of what is told by `encoding.py`.

A text is cut between characters, so never inside an escape, a surrogate pair or the octets of one character;
and, where that can be helped, between grapheme clusters (Unicode, UAX #29): what a reader takes for one sign.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import regex

_GRAPHEME = regex.compile(r"\X")


class Limit(NamedTuple):
    """What a segment has of something, septets or octets, and how much of it each character takes.

    `room` is at least the largest of `sizes`.
    """

    room: int
    sizes: Mapping[str, int]


def cut(text: str, limits: Sequence[Limit], most: int) -> list[str]:
    """The text in the fewest pieces that keep within every limit and keep graphemes whole.

    A grapheme longer than a piece is cut between its characters. If that makes more than `most` pieces the text is
    cut between characters only; these are the fewest pieces there can be, and may still be more than `most`.
    """
    fillings = [(limit.room, _taken(text, limit.sizes)) for limit in limits]
    ends = _ends(fillings, range(len(text) + 1))
    if len(ends) <= most and not _all_graphemes(text):
        between_graphemes = _ends(fillings, _boundaries(text))
        ends = between_graphemes if len(between_graphemes) <= most else ends
    return [text[start:end] for start, end in pairwise((0, *ends))]


def chunks(octets: bytes, room: int) -> tuple[bytes, ...]:
    """Octets in the fewest pieces of at most `room`; of none there are none."""
    return tuple(octets[start : start + room] for start in range(0, len(octets), room))


def _ends(fillings: Sequence[tuple[int, Sequence[int]]], boundaries: Sequence[int]) -> list[int]:
    """Where each piece ends. A filling is a room and what the text takes of it up to each character."""
    ends: list[int] = []
    start, last = 0, boundaries[-1]
    while start < last:
        furthest = min(bisect_right(taken, taken[start] + room) - 1 for room, taken in fillings)
        boundary = boundaries[bisect_right(boundaries, furthest) - 1]
        start = boundary if boundary > start else furthest
        ends.append(start)
    return ends


def _taken(text: str, sizes: Mapping[str, int]) -> Sequence[int]:
    """What the text takes up to each character, and in all. In most texts they all take the same."""
    if len(different := {*sizes.values()}) == 1:
        (size,) = different
        return range(0, size * (len(text) + 1), size)
    return list(accumulate(map(sizes.__getitem__, text), initial=0))


def _all_graphemes(text: str) -> bool:
    """Whether it is sure that each of its characters is one."""
    return text.isascii() and "\r\n" not in text


def _boundaries(text: str) -> Sequence[int]:
    """The places between graphemes, and both ends."""
    return list(accumulate(map(len, _GRAPHEME.findall(text)), initial=0))
