"""What one caller, and all of them together, may cost. Numbers only; who enforces each is said beside it."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits of the door."""

    # connection.py
    connections: int = 2_000
    """Beyond it, new connections are closed."""
    head_within_s: float = 10.0
    """From the connection, or the first octet of a later request, to the end of the request's head."""
    head_bytes: int = 32 * 1024
    """What may come without a piece of a body: a head, or trailers."""
    idle_s: float = 30.0
    """Between an answer and the next request."""
    pipelined: int = 16
    """Requests that wait for the answer to an earlier one of their connection."""

    # application.py
    requests: int = 1_000
    """Requests in hand at once."""
    answer_within_s: float = 12.0
    """How long the rest of the bridge may take to make a callback safe."""

    # bodies.py
    body_bytes: int = 8 * MIB
    """One body. A body of several pictures, in Base64 and percent-encoded, is some megabytes."""
    all_bodies_bytes: int = 64 * MIB
    """All bodies being read, or not answered yet."""
    body_within_s: float = 20.0
    """From the end of the head to the end of the body."""

    # door.py
    drain_s: float = 15.0
    """How long requests under way may hold up a stop."""
