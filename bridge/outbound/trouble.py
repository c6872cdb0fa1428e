"""What befell an MT at the HTTP sites of a provider, as it travels with it (contract 1.5). Pure.

it failed   what follows, where the sites of the provider stand in for each other
once        the same URL again, after a while
twice       the next site, at once
further     the ladder, or any link that is up
"""

import json
from dataclasses import dataclass, replace

import orjson

SOON_S = 0.5
"""A wait that is over but for this is over: the ladder has no finer rungs."""
LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """`failures`: how often, without an answer between; `link`: where last.

    `wait_s`: how long the MT waits yet before it goes to that link again; None: it need not go there.
    """

    provider: str
    link: str
    failures: int
    wait_s: float | None = None

    @property
    def home(self) -> tuple[str, str] | None:
        """The link it has to go to while that is up."""
        return None if self.wait_s is None else (self.provider, self.link)

    @property
    def waits(self) -> bool:
        """Whether its time has not come yet."""
        return self.wait_s is not None and self.wait_s > SOON_S

    def goes_home_after(self, seconds: float) -> "Trouble":
        """To that link again, in so many seconds."""
        return replace(self, wait_s=max(0.0, float(seconds)))

    def dump(self) -> str:
        """As the header carries it."""
        return json.dumps([self.provider, self.link, self.failures, self.wait_s], separators=(",", ":"))

    @classmethod
    def load(cls, header: object) -> "Trouble | None":
        """The reverse of `dump`. What is not such a header is no trouble: anybody may have written it."""
        if not isinstance(header, str):
            return None
        try:
            # Unlike json it takes no lone surrogates, and whatever is nested too deep is a ValueError.
            provider, link, failures, wait_s = orjson.loads(header)
        except (ValueError, TypeError):
            return None
        fits = isinstance(provider, str) and isinstance(link, str) and type(failures) is int and failures > 0
        if not fits or not (wait_s is None or (type(wait_s) is float and 0.0 <= wait_s <= LONGEST_S)):
            return None
        return cls(provider, link, failures, wait_s)
