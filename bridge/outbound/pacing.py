"""How fast one link may go after its provider said "too fast". Pure: `now` is an argument.

A throttled answer pauses the link; each further one after the pause doubles it. Success brings the speed back
step by step: the limit of unanswered submits grows by one, and the next pause shrinks by half, for every
full limit of messages accepted.
"""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
UP_WHILE_PAUSED_S = 5.0
"""A link paused for longer than this is not up (contract, "Words")."""


class Pacer:
    """The pace of one link. `limit` is how many submits may be unanswered just now, at most the window."""

    __slots__ = ("_accepted", "_window", "limit", "pause_s", "resume_at")

    def __init__(self, window: int) -> None:
        self._window = window
        self._accepted = 0
        self.limit = window
        self.pause_s = 0.0
        self.resume_at = 0.0

    def throttled(self, now: float) -> float:
        """The provider throttled us; returns when the link may go on.

        The rest of the window that is answered the same way during the pause makes it no longer.
        """
        if now >= self.resume_at:
            self.pause_s = min(max(FIRST_PAUSE_S, self.pause_s * 2), LONGEST_PAUSE_S)
            self.limit = max(1, self.limit // 2)
            self.resume_at = now + self.pause_s
        self._accepted = 0
        return self.resume_at

    def accepted(self) -> None:
        """The provider took a message."""
        if self.limit == self._window and not self.pause_s:
            return
        self._accepted += 1
        if self._accepted >= self.limit:
            self._accepted = 0
            self.limit = min(self._window, self.limit + 1)
            self.pause_s = self.pause_s / 2 if self.pause_s > FIRST_PAUSE_S else 0.0

    def paused(self, now: float) -> bool:
        """Whether the link has to be left alone now."""
        return now < self.resume_at

    def up(self, now: float) -> bool:
        """Whether the pause, if any, is short enough for the link to count as up."""
        return now >= self.resume_at or self.pause_s <= UP_WHILE_PAUSED_S
