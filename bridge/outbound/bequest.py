"""What the claim of an MT on its way tells whoever finds it when its worker is dead. Pure.

[counted, copy]                                                 of an MT in one piece; nothing: of its first copy
[counted, copy, provider, link, fingerprint, 1 if a copy may already be with a provider, [fate of each segment]]
                                                                of a long one

`counted`: attempts so far. `copy`: that which a provider has, or may have; empty: the one that the holder of the claim
wrote, or was about to. JSON, for it must hold whatever a provider calls a message.

A copy is named after the flight that wrote it and what was counted by then. The event that tells of a doubt has its id
from the copy: of one doubt it has one id, whoever tells of it and how often; of another doubt another.
"""

import json
from dataclasses import dataclass
from typing import Any

from bridge.outbound.parts import Fate, Parts

_json = json.JSONEncoder(separators=(",", ":")).encode


def copy_name(owner: str, counted: int) -> str:
    """The copy that this flight writes when so many attempts are counted."""
    return f"{owner}/{counted}"


@dataclass(frozen=True, slots=True)
class Bequest:
    """`doubt` and `parts`: of a long MT."""

    counted: int
    copy: str
    doubt: bool = False
    parts: Parts | None = None

    def dump(self, holder: str) -> str:
        """As the claim of this holder keeps it: ASCII, one line."""
        copy = "" if self.copy == copy_name(holder, self.counted) else self.copy
        parts = self.parts
        if parts is None:
            return _json([self.counted, copy]) if copy or self.counted else ""
        kept = [parts.provider, parts.link, parts.fingerprint, int(self.doubt), parts.segments]
        return _json([self.counted, copy, *kept])

    @classmethod
    def load(cls, state: str, holder: str) -> "Bequest":
        """The reverse. What this version would not have written is a ValueError."""
        if not state:
            return cls(0, copy_name(holder, 0))
        body: Any = json.loads(state)
        try:
            counted, copy, *kept = body
            parts, doubt = _load_parts(*kept) if kept else (None, False)
        except (ValueError, TypeError) as error:
            raise ValueError(f"not what a claim says: {error}") from error
        if type(counted) is not int or counted < 0 or not isinstance(copy, str):
            raise ValueError("not what a claim says")
        return cls(counted, copy or copy_name(holder, counted), doubt, parts)


def _load_parts(
    provider: str, link: str, fingerprint: str, doubt: int, segments: list[Any]
) -> tuple[Parts, bool]:
    fates = tuple(fate if isinstance(fate, str) else Fate(fate) for fate in segments)
    if not all(isinstance(name, str) for name in (provider, link, fingerprint)) or len(fates) < 2:
        raise ValueError("not the parts of a long MT")
    return Parts(provider, link, fingerprint, fates), bool(doubt)
