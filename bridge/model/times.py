"""Instants as the contract writes them."""

from datetime import UTC, datetime
from functools import lru_cache


def rfc3339(epoch_s: float) -> str:
    """Seconds since the epoch as RFC 3339 UTC with milliseconds: 2026-11-22T16:00:00.123Z."""
    seconds, milliseconds = divmod(round(epoch_s * 1e6) // 1000, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=64)  # most instants are of this second
def _second(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
