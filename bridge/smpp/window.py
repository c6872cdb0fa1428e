"""The window: which submit_sm await their answers, which had their time, and the numbers they go by.

It knows order and time limits; what an answer or a loss means is the session's.
"""

from collections.abc import Sequence

from bridge.smpp.consts import ESME_ROK, MAX_SEQUENCE, SUBMIT_SM
from bridge.smpp.framing import build_pdu

NEVER = float("inf")
_REMEMBERED = 1000
"""How many submits whose time is over are remembered for a late answer; the oldest are forgotten first."""


class InFlight:
    """One submit_sm on its way. `written` once its octets were handed out; `pdu` only until then."""

    __slots__ = ("answers_before", "expires_at", "pdu", "ref", "sequence_number", "written")

    def __init__(
        self, sequence_number: int, ref: object, pdu: bytes, expires_at: float, answers_before: int
    ) -> None:
        self.sequence_number = sequence_number
        self.ref = ref
        self.pdu = pdu
        self.expires_at = expires_at
        self.answers_before = answers_before
        self.written = False


class Window:
    """At most `size` submits without an answer. Entries stand in the order of their expiry: one limit for all."""

    __slots__ = ("_in_flight", "_last_sequence", "_late", "_unwritten", "answers", "size")

    def __init__(self, size: int, last_sequence: int = 0) -> None:
        self.size = size
        self.answers = 0
        """Answers to submits so far, late ones too."""
        self._last_sequence = last_sequence
        self._in_flight: dict[int, InFlight] = {}
        self._late: dict[int, InFlight] = {}
        self._unwritten: list[InFlight] = []

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def free(self) -> int:
        """Slots left."""
        return self.size - len(self._in_flight)

    def next_sequence(self) -> int:
        """A sequence number (1 to 0x7FFFFFFF, 3.2) that no submit in flight or remembered has."""
        number = self._last_sequence
        while True:
            number = number + 1 if number < MAX_SEQUENCE else 1
            if number not in self._in_flight and number not in self._late:
                self._last_sequence = number
                return number

    def begin(self, body: bytes, ref: object, expires_at: float) -> int:
        """Takes a slot (there must be one) for a submit_sm with this body; gives its sequence number."""
        number = self.next_sequence()
        pdu = build_pdu(SUBMIT_SM, ESME_ROK, number, body)
        entry = InFlight(number, ref, pdu, expires_at, self.answers)
        self._in_flight[number] = entry
        self._unwritten.append(entry)
        return number

    def take_unwritten(self) -> list[bytes]:
        """The PDUs that were not handed out yet. From now on their submits count as written."""
        pdus: list[bytes] = []
        for entry in self._unwritten:
            entry.written = True
            pdus.append(entry.pdu)
            entry.pdu = b""
        self._unwritten.clear()
        return pdus

    def answer(self, sequence_number: int) -> InFlight | None:
        """Frees the slot of the submit that is answered. None for a stranger, and for one the peer cannot have."""
        entry = self._in_flight.get(sequence_number)
        if entry is None or not entry.written:
            return None
        del self._in_flight[sequence_number]
        self.answers += 1
        return entry

    def answer_late(self, sequence_number: int) -> InFlight | None:
        """The remembered submit that is answered after its time, once."""
        entry = self._late.pop(sequence_number, None)
        if entry is not None:
            self.answers += 1
        return entry

    def expire(self, now: float) -> Sequence[InFlight]:
        """Frees the slots whose time is over. What was written is remembered; what was not never will be."""
        expired: list[InFlight] = []
        for entry in self._in_flight.values():
            if entry.expires_at > now:
                break
            expired.append(entry)
        for entry in expired:
            del self._in_flight[entry.sequence_number]
            if entry.written:
                self._remember(entry)
            else:
                self._unwritten.remove(entry)
        return expired

    def _remember(self, entry: InFlight) -> None:
        if len(self._late) >= _REMEMBERED:
            del self._late[next(iter(self._late))]
        self._late[entry.sequence_number] = entry

    def next_expiry(self) -> float:
        """When the first submit's time is over; NEVER without one."""
        for entry in self._in_flight.values():
            return entry.expires_at
        return NEVER

    def abandon(self) -> Sequence[InFlight]:
        """Empties the window, and forgets what was to be written or remembered."""
        lost = list(self._in_flight.values())
        self._in_flight.clear()
        self._late.clear()
        self._unwritten.clear()
        return lost
