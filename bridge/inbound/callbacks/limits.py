"""What one caller, and all of them together, may cost. Numbers only; who enforces each is said beside it.

What all of it together may hold in memory: `all_bodies_bytes` twice (as octets and as the fields they are read into),
and of every connection a head and what one read of its socket brings ahead, 256 KiB at worst.
"""

from dataclasses import dataclass

from bridge.listeners.limits import ConnectionLimits

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(ConnectionLimits):
    """All limits of the door."""

    # application.py
    requests: int = 1_000
    """Requests in hand at once."""
    answer_within_s: float = 12.0
    """How long the rest of the bridge may take to make a callback safe."""

    # bodies.py
    body_bytes: int = 8 * MIB
    """One body. A body of several pictures, in Base64 and percent-encoded, is some megabytes."""
    json_bytes: int = MIB // 4
    """One body of JSON: read, it may be twenty times as much, and no picture comes in one."""
    all_bodies_bytes: int = 64 * MIB
    """All bodies being read, or not answered yet."""
    body_within_s: float = 20.0
    """From the end of the head to the end of the body."""
