"""The words and numbers of a receipt's state. A word nobody knows is never `delivered`."""

from collections.abc import Callable, Mapping

from bridge.model.inbound import DrState

_BY_NUMBER: tuple[DrState, ...] = (
    "enroute",  # SCHEDULED, SMPP 5.0
    "enroute",
    "delivered",
    "expired",
    "deleted",
    "undeliverable",
    "accepted",
    "unknown",
    "rejected",
    "skipped",
)

# SMPP 3.4, Appendix B, and what providers write besides.
_BY_WORD: Mapping[str, DrState] = {
    "ENROUTE": "enroute",
    "DELIVRD": "delivered",
    "EXPIRED": "expired",
    "DELETED": "deleted",
    "UNDELIV": "undeliverable",
    "ACCEPTD": "accepted",
    "UNKNOWN": "unknown",
    "REJECTD": "rejected",
    "SCHEDULED": "enroute",
    "SKIPPED": "skipped",
    "DELIVERD": "delivered",
    "DELIVERED": "delivered",
    "DELIVERED TO CARRIER": "accepted",
    "NOCRED": "rejected",
}

# For other words: the first that fits.
_BY_FRAGMENT: tuple[tuple[Callable[[str], bool], DrState], ...] = (
    (lambda word: "REJECT" in word, "rejected"),
    (lambda word: word.startswith("EXP"), "expired"),
    (lambda word: "UNDELIV" in word or "FAIL" in word, "undeliverable"),
    (lambda word: "ACCEPT" in word or word.startswith("ACK"), "accepted"),
    (lambda word: "BUFF" in word or "ENROUTE" in word, "enroute"),
    (lambda word: "DELET" in word, "deleted"),
    (lambda word: "ERR" in word, "undeliverable"),
)


def state_of_number(octets: bytes | None) -> DrState | None:
    """The state in TLV message_state (SMPP 3.4, 5.3.2.35); None if there is none from 0 to 9.

    Written wider than its octet it is padded with zeros, on either side.
    """
    if not octets:
        return None
    number = int.from_bytes(octets.strip(b"\0"), "big")
    return _BY_NUMBER[number] if number < len(_BY_NUMBER) else None


def state_of_word(stat: str, error: str | None) -> DrState:
    """The state a receipt's `stat` names; `error` tells what a stat of 0 means."""
    word = " ".join(stat.upper().replace("_", " ").split())
    known = _BY_WORD.get(word)
    if known is not None:
        return known
    if word == "0" and error is not None and not error.strip("0"):
        return "delivered"
    return next((state for fits, state in _BY_FRAGMENT if fits(word)), "unknown")
