"""Whether a Redis is set up to keep what it is told, and what is lost where it is not.

Pure: what the server says of itself comes in. Not responsible for asking it (`store.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

LOST = "MTs may be sent twice, and segments of MOs be lost"
"""What it means for the promises that claims, or whatever else it was told in the last moments, are gone."""


def warnings_of(info: Mapping[str, Any], appendfsync: str | None) -> list[str]:
    """What INFO says against it, and its `appendfsync` (None: it does not tell); a line for each.

    What INFO should say and does not (some services leave things out) is taken for unsafe, or for the usual.
    """
    return [f"Redis {warning}" for warning in _warnings_of(info, appendfsync)]


def untold(reason: str) -> str:
    """The warning where INFO may not even be asked."""
    return f"cannot tell whether Redis keeps its data, without which {LOST}: {reason}"


def _warnings_of(info: Mapping[str, Any], appendfsync: str | None) -> Iterator[str]:
    if not int(info.get("aof_enabled", 0)):
        yield f"keeps no append-only file (appendonly no): when it restarts, {LOST}; set appendonly yes"
    elif appendfsync == "no":
        yield f"writes its file to disk at leisure (appendfsync no): when its machine fails, {LOST}; set everysec"
    elif appendfsync is None:
        yield f"does not tell when it writes its file to disk (CONFIG GET appendfsync); where that is no, {LOST}"
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield f"drops claims when it is full (maxmemory-policy {policy}): {LOST}; set noeviction"
    if info.get("role") == "slave":
        yield f"is a replica that takes writes, and drops them when it syncs: {LOST}; name the primary in redis.url"
    elif int(info.get("connected_slaves", 0)) and "min_slaves_good_slaves" not in info:
        yield f"goes on when no replica follows (min-replicas-to-write 0): when one takes over, {LOST}; set 1"
    if info.get("redis_mode", "standalone") != "standalone":
        yield "is a node of a cluster: the bridge cannot use the keys of the others, and MTs would stay unsent"
