"""How long a message waits before it is tried again, and what it carries along the wait ladder. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from bridge.model.attempt import KEPT_ATTEMPTS, Attempt
from bridge.model.names import WAIT_RUNGS_S


def rung_after(counted: int) -> int:
    """The rung, in seconds, for a message that has failed `counted` times (1 or more): up the ladder, then the top."""
    return WAIT_RUNGS_S[min(max(counted, 1), len(WAIT_RUNGS_S)) - 1]


def rung_for_lease(wait_ms: int) -> int:
    """The rung for a message another worker may still be sending: the longest that does not outlast its lease.

    Several short waits lose less time than one long one: a dead worker's message is settled within the lease
    plus one second.
    """
    fitting = [rung for rung in WAIT_RUNGS_S if rung * 1000 <= wait_ms]
    return fitting[-1] if fitting else WAIT_RUNGS_S[0]


def dump_attempts(attempts: Sequence[Attempt]) -> str:
    """The attempts as the header carries them: JSON, the last 16, oldest first."""
    return json.dumps([attempt.as_body() for attempt in attempts[-KEPT_ATTEMPTS:]], separators=(",", ":"))


def load_attempts(header: object) -> list[Attempt]:
    """The reverse of `dump_attempts`. What is not such a header is no attempts: anybody may have written it."""
    if not isinstance(header, str | bytes):
        return []
    try:
        found: Any = orjson.loads(
            header
        )  # unlike json it takes no lone surrogates, which no event could carry
    except ValueError:
        return []
    if not isinstance(found, list):
        return []
    return [Attempt.from_body(item) for item in found[-KEPT_ATTEMPTS:] if isinstance(item, Mapping)]
