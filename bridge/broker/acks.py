"""Which deliveries of one channel are settled, and how to say so in few frames. Pure: no I/O, no clock.

RabbitMQ numbers the deliveries of a channel 1, 2, 3, ... and forgets each when it is acked or requeued. Naming a
number it has forgotten (or never gave) closes the channel with 406 and redelivers everything on it, so:

- a delivery is settled once; all later words about it are ignored;
- `multiple=True` covers everything up to its number, so it is used only below the oldest delivery still open, and
  names a delivery that RabbitMQ still remembers;
- requeues are told before the acks that might cover them.

One old delivery that stays open holds back nothing: what is settled above it is acked one by one.
Memory is bounded by the open deliveries, that is by the prefetch.
"""

from collections import OrderedDict
from typing import NamedTuple


class Settlement(NamedTuple):
    """One frame to be written: basic.ack, or basic.nack with requeue."""

    tag: int
    multiple: bool = False
    requeue: bool = False


class AckTracker:
    """The deliveries of one channel, from hand-over to settlement."""

    __slots__ = ("_acked", "_last", "_open", "_requeued")

    def __init__(self) -> None:
        self._last = 0
        self._open: OrderedDict[int, None] = OrderedDict()
        self._acked: list[int] = []
        self._requeued: list[int] = []

    @property
    def open(self) -> int:
        """Deliveries handed over and not yet settled."""
        return len(self._open)

    @property
    def idle(self) -> bool:
        """Nothing is open and nothing waits to be told."""
        return not (self._open or self.untold)

    @property
    def untold(self) -> bool:
        """Whether something is settled that `take` has not handed out yet."""
        return bool(self._acked or self._requeued)

    def delivered(self, tag: int) -> None:
        """A delivery was handed over. Numbers that were skipped stay open for ever, so that nothing covers them."""
        for number in range(self._last + 1, tag + 1):
            self._open[number] = None
        self._last = max(self._last, tag)

    def is_open(self, tag: int) -> bool:
        """Whether this delivery still waits to be settled."""
        return tag in self._open

    def ack(self, tag: int) -> bool:
        """Settle as done. False if it was settled before or never delivered."""
        return self._settle(tag, self._acked)

    def requeue(self, tag: int) -> bool:
        """Settle as given back. False if it was settled before or never delivered."""
        return self._settle(tag, self._requeued)

    def _settle(self, tag: int, told: list[int]) -> bool:
        if tag not in self._open:
            return False
        del self._open[tag]
        told.append(tag)
        return True

    def take(self) -> list[Settlement]:
        """The frames for everything settled since the last call, to be written in this order."""
        frames = [Settlement(tag, requeue=True) for tag in self._requeued]
        self._requeued.clear()
        oldest_open = next(iter(self._open), None)
        if oldest_open is None:
            covered, single = self._acked, []
        else:
            covered = [tag for tag in self._acked if tag < oldest_open]
            single = [tag for tag in self._acked if tag > oldest_open]
        if covered:
            frames.append(Settlement(max(covered), multiple=len(covered) > 1))
        frames.extend(Settlement(tag) for tag in single)
        self._acked = []
        return frames
