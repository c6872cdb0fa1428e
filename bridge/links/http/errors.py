"""How an exchange over HTTP fails, in this room's own words. Which of the two it is decides money.

Messages are fit for one line, and hold nothing of what was sent or received.
"""


class NotConnected(Exception):
    """Surely nothing was written."""


class AnswerLost(Exception):
    """Written, wholly or in part, and no whole answer: the provider may or may not have it."""


class NameNotResolved(Exception):
    """A host without an address."""
