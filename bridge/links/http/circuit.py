"""Whether an HTTP endpoint may be used, judged by how its requests end. Pure (contract 1.5).

    state    takes               until
    CLOSED   all it has room for a message fails that had failed before, or a whole window in a row (at
             least 10): OPEN
    OPEN     nothing             a probe is answered: TRIED
    TRIED    one at a time       that one is answered: CLOSED; or fails: OPEN

What was on its way when the circuit opened changes nothing by failing; any answer closes it. A trial that fails
doubles the time to the next probe.
"""

from enum import Enum

LONGEST_PROBE_S = 600.0
FEWEST_IN_A_ROW = 10


class State(Enum):
    """Of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    TRIED = "tried"


class Circuit:
    """The circuit of one endpoint. Each call tells whether it changed the state."""

    __slots__ = ("_first_probe_s", "_in_a_row", "_many", "_window", "opened", "probe_s", "state")

    def __init__(self, window: int, probe_s: float) -> None:
        """`probe_s`: from opening to the first probe."""
        self._window = window
        self._many = max(window, FEWEST_IN_A_ROW)
        self._first_probe_s = probe_s
        self._in_a_row = 0
        self.state = State.CLOSED
        self.opened = 0
        """How often it has opened."""
        self.probe_s = probe_s
        """How long an open circuit waits for its next probe."""

    @property
    def untroubled(self) -> bool:
        """Whether an answer would change nothing."""
        return self.state is State.CLOSED and not self._in_a_row

    def allows(self, in_flight: int) -> int:
        """How many more requests may leave beside so many."""
        if self.state is State.OPEN:
            return 0
        return max(0, (self._window if self.state is State.CLOSED else 1) - in_flight)

    def failed(self, again: bool, opened: int) -> bool:
        """A request failed. `again`: its message had failed before; `opened`: how often it had when that left."""
        if opened != self.opened:
            return False
        self._in_a_row += 1
        if self.state is State.TRIED:
            self.probe_s = min(2 * self.probe_s, max(LONGEST_PROBE_S, self._first_probe_s))
        elif not again and self._in_a_row < self._many:
            return False
        self.state = State.OPEN
        self.opened += 1
        return True

    def answered(self) -> bool:
        """A request was answered as by one who works."""
        changed = self.state is not State.CLOSED
        self.state = State.CLOSED
        self._in_a_row = 0
        self.probe_s = self._first_probe_s
        return changed

    def probed(self) -> bool:
        """A probe was answered."""
        if self.state is not State.OPEN:
            return False
        self.state = State.TRIED
        return True
