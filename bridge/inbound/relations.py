"""How the ids in a provider's receipts relate to those in its answers: as configured, or as its first matches taught.

Pure. What is learned here only spares wrong guesses: an id that is known as it came is always found first, and
before a receipt goes out unmatched every relation is tried again, so that a wrong lesson cannot last.
"""

from collections.abc import Mapping, Sequence

from bridge.config.provider import Ids
from bridge.text.message_ids import Relation, relation_of, variants

TELLING = 3
"""So many matches in a row by one relation teach it."""


class Relations:
    """What is known of each provider. `configured`: its `ids`; a provider that is not in it is `auto`."""

    def __init__(self, configured: Mapping[str, Ids]) -> None:
        self._configured = configured
        self._runs: dict[str, tuple[Relation, int]] = {}

    def guesses(
        self, provider: str, ids: Sequence[str], *, fresh: bool = False, last_chance: bool = False
    ) -> tuple[str, ...]:
        """The forms in which the answer may have had these ids, none of them twice.

        `fresh`: its answer may still be on its way; what was not learned yet is not guessed then, for a guess might
        hit an older MT. `last_chance`: without it the receipt goes out unmatched; what was learned does not count.
        """
        relation = self._relation(provider, last_chance)
        if relation == "exact" or (fresh and relation == "any"):
            return ()
        return tuple(dict.fromkeys(guess for one in ids for guess in variants(one, relation)))

    def matched(self, provider: str, ids: Sequence[str], stored: str) -> None:
        """Learn from a receipt with these ids, which was found to mean the MT that was answered with `stored`.

        One that shows two relations (the TLV has the id as it was, the text another form of it) teaches nothing:
        its provider's next receipt may have either alone.
        """
        shown = {relation for one in ids if (relation := relation_of(one, stored)) is not None}
        if len(shown) == 1:
            (relation,) = shown
            before, run = self._runs.get(provider, (relation, 0))
            self._runs[provider] = (relation, min(run + 1, TELLING) if relation == before else 1)

    def _relation(self, provider: str, last_chance: bool) -> Relation:
        configured = self._configured.get(provider, "auto")
        if configured != "auto":
            return configured
        relation, run = self._runs.get(provider, ("any", 0))
        return relation if run >= TELLING and not last_chance else "any"
