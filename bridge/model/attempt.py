"""The record of one attempt, as it travels in a header and shows in events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT_ATTEMPTS = 16
"""How many attempts travel with a message (contract, section 2); older ones are forgotten first."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`at` is RFC 3339 UTC; `result` is a short word, with the status in hex where there is one."""

    at: str
    provider: str
    site: str
    link: str
    result: str

    def as_body(self) -> dict[str, str]:
        """The attempt as events and the header carry it."""
        return {
            "at": self.at,
            "provider": self.provider,
            "site": self.site,
            "link": self.link,
            "result": self.result,
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Attempt":
        """The reverse of `as_body`; missing parts become empty, so that a foreign header cannot raise."""
        return cls(*(str(body.get(key, "")) for key in ("at", "provider", "site", "link", "result")))
