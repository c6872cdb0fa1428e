"""What the callers of one listener may cost, before an application sees a request of theirs. Numbers only.

They are for callers who mean harm or are broken; a provider never gets near them. How many connect and leave again in
a second is not bounded here: a firewall or a proxy can do that for less.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Times are from the connection, or the first octet of a later request, unless told otherwise."""

    # crowd.py
    connections: int = 2_000
    """Beyond it, the one that has waited longest without a request makes room, or the new one goes."""
    per_address: int = 500
    """The same, for one IPv4 address, or one network of 64 bits of IPv6: a household has one of those."""

    # connection.py
    head_within_s: float = 10.0
    """To the end of a request's head."""
    head_bytes: int = 32 * 1024
    """What may come without a piece of a body: a head, or trailers."""
    idle_s: float = 30.0
    """Between an answer and the next request."""
    pipelined: int = 16
    """Requests that wait for the answer to an earlier one of their connection."""
    read_within_s: float = 10.0
    """How long an answer may wait for its reader, once the system holds as much of it as it will."""

    # server.py
    drain_s: float = 15.0
    """How long requests under way may hold up a stop."""
