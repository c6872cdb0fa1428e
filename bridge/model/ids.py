"""Event ids: stable, derived from what makes an event that event (contract, section 2).

An event that a crash made the bridge publish twice has the same id both times, so that a consumer drops the
second by `message_id` alone.
"""

from hashlib import blake2b


def digest(*parts: str | bytes) -> bytes:
    """Sixteen octets that name these parts. Each part is preceded by its length: no two lists run together."""
    state = blake2b(digest_size=16)
    for part in parts:
        octets = part.encode() if isinstance(part, str) else part
        state.update(len(octets).to_bytes(4, "big"))
        state.update(octets)
    return state.digest()


def event_id(kind: str, *parts: str | bytes) -> str:
    """The id of an event of this kind: its kind and 32 hex digits."""
    return f"{kind}-{digest(kind, *parts).hex()}"
