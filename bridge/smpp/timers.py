"""The clocks of a session, but for those of single submits (`window.py`): instants in, alarms out.

Seconds of any monotonic clock, handed in by the caller. What an alarm means for the session is `session.py`'s.
"""

from enum import Enum, auto

from bridge.smpp.window import NEVER

_UNANSWERED_AT_MOST = 2


class Alarm(Enum):
    """What a clock that ran out asks for."""

    NOT_BOUND = auto()
    """Connected, and not bound in time: end."""
    ENQUIRE = auto()
    """The peer is silent: send enquire_link."""
    SILENT = auto()
    """Two enquire_links were not answered: end."""
    INACTIVE = auto()
    """Nothing but enquire_links for too long: unbind."""
    STALLED = auto()
    """The peer answers everything but submits, and had its second chance: end."""
    NOT_UNBOUND = auto()
    """No answer to our unbind: end."""


class Timers:
    """Which clock runs, and when it runs out. Clocks are switched on and off by what happens to the session."""

    __slots__ = (
        "_bound_by",
        "_enquire_at",
        "_enquire_link_s",
        "_inactive_at",
        "_inactivity_s",
        "_response_timeout_s",
        "_session_init_s",
        "_stalled_until",
        "_unanswered",
        "_unbound_by",
    )

    def __init__(
        self,
        *,
        session_init_s: float,
        enquire_link_s: float,
        response_timeout_s: float,
        inactivity_s: float | None,
        now: float,
    ) -> None:
        self._session_init_s = session_init_s
        self._enquire_link_s = enquire_link_s
        self._response_timeout_s = response_timeout_s
        self._inactivity_s = NEVER if inactivity_s is None else inactivity_s
        self._unanswered = 0
        self._bound_by = now + session_init_s
        self._enquire_at = NEVER
        self._inactive_at = NEVER
        self._stalled_until = NEVER
        self._unbound_by = NEVER

    def binding(self, now: float) -> None:
        """The bind goes out: its answer has session_init_s."""
        self._bound_by = now + self._session_init_s

    def bound(self, now: float) -> None:
        """The bind was accepted."""
        self._bound_by = NEVER
        self._enquire_at = now + self._enquire_link_s
        self._inactive_at = now + self._inactivity_s

    def heard(self, now: float) -> None:
        """The peer said something, whatever it was."""
        if self._enquire_at != NEVER:
            self._unanswered = 0
            self._enquire_at = now + self._enquire_link_s

    def worked(self, now: float) -> None:
        """A message went one way or the other."""
        if self._inactive_at != NEVER:
            self._inactive_at = now + self._inactivity_s

    def stalled(self, now: float) -> None:
        """A submit's time was over and nobody answers: the peer has one more response time."""
        if self._stalled_until == NEVER:
            self._stalled_until = now + self._response_timeout_s

    def answered(self) -> None:
        """The peer answers submits again."""
        self._stalled_until = NEVER

    def leaving(self) -> None:
        """No new work: being idle is no fault now."""
        self._inactive_at = NEVER

    def unbinding(self, now: float) -> None:
        """Our unbind goes out: nothing but its answer is waited for."""
        self._enquire_at = NEVER
        self._stalled_until = NEVER
        self._unbound_by = now + self._response_timeout_s

    def stop(self) -> None:
        """The session ended: no clock runs any more."""
        self._bound_by = NEVER
        self._enquire_at = NEVER
        self._inactive_at = NEVER
        self._stalled_until = NEVER
        self._unbound_by = NEVER

    def ring(self, now: float) -> Alarm | None:
        """The next alarm that is due, None without one. To be asked until it says None."""
        if now >= self._bound_by:
            self._bound_by = NEVER
            return Alarm.NOT_BOUND
        if now >= self._unbound_by:
            self._unbound_by = NEVER
            return Alarm.NOT_UNBOUND
        if now >= self._stalled_until:
            self._stalled_until = NEVER
            return Alarm.STALLED
        if now >= self._inactive_at:
            self._inactive_at = NEVER
            return Alarm.INACTIVE
        if now >= self._enquire_at:
            if self._unanswered == _UNANSWERED_AT_MOST:
                self._enquire_at = NEVER
                return Alarm.SILENT
            self._unanswered += 1
            self._enquire_at = now + self._response_timeout_s
            return Alarm.ENQUIRE
        return None

    def deadline(self) -> float:
        """When the next clock runs out; NEVER if none runs."""
        return min(self._bound_by, self._enquire_at, self._inactive_at, self._stalled_until, self._unbound_by)
