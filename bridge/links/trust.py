"""How much a bind may carry after its peer misbehaved: nothing while stopped, one at a time on probation.

Responsible for the two restraints that belong to the link itself. Throttling is none of them: how fast a
healthy link may go is decided above (`outbound`). Pure: it says how long to stop, and keeps no clock.
"""

STOP_FIRST_S = 60.0
STOP_LONGEST_S = 900.0


class Trust:
    """The restraints on one bind. They outlive its sessions: a rebind heals neither an account nor a habit."""

    __slots__ = ("_bind_blamed", "_stop_s", "probation", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self.probation = False
        self._bind_blamed = False
        self._stop_s = 0.0

    @property
    def wary(self) -> bool:
        """Whether a good answer would change anything."""
        return self.probation or self._bind_blamed or self._stop_s > 0.0

    def allows(self, free: int, in_flight: int) -> int:
        """How many of the window's `free` slots may be used with so many in flight."""
        if self.stopped:
            return 0
        return max(0, min(free, 1 - in_flight)) if self.probation else free

    def stalled(self) -> None:
        """The session died because the peer answered no submit_sm: the next one has to show that it does."""
        self.probation = True

    def answered(self) -> None:
        """A submit_sm was answered, and not for the account's sake. What trails in during a stop proves nothing."""
        if not self.stopped:
            self.probation = False
            self._bind_blamed = False
            self._stop_s = 0.0

    def bind_refused(self) -> bool:
        """The peer blames the bind. Returns whether to believe it: the second time in a row.

        Once may be the message's fault, and a message must not take down one bind after the other.
        """
        self._bind_blamed = not self._bind_blamed
        return not self._bind_blamed

    def account_refused(self) -> float | None:
        """The account is at fault. Returns for how many seconds to stop; None when stopped already."""
        if self.stopped:
            return None
        self.stopped = True
        self._stop_s = min(max(2 * self._stop_s, STOP_FIRST_S), STOP_LONGEST_S)
        return self._stop_s

    def resume(self) -> None:
        """The stop is over: one message tries whether the account works again."""
        self.stopped = False
        self.probation = True
