"""What a link tells the rooms above: the one interface they implement, and `app.py` hands in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.model.inbound import Inbound
from bridge.model.outcome import Outcome

if TYPE_CHECKING:
    from bridge.links.bind import Bind
    from bridge.links.http.endpoint import Endpoint

    Link: TypeAlias = Bind | Endpoint


class LinkEvents(Protocol):
    """Called in the loop, never from inside `submit`."""

    def link_changed(self, link: "Link", /) -> None:
        """Bound, lost, stopped, stalled or no longer so, on trial or sound, or a slot came free after none was."""
        ...

    def attempt_ended(self, link: "Link", ref: object, outcome: Outcome, /) -> None:
        """Exactly once for every `submit` that returned True."""
        ...

    def answered_late(self, link: "Link", ref: object, outcome: Outcome, /) -> None:
        """The answer to an attempt that ended in doubt came after all."""
        ...

    def received(self, link: "Link", inbound: Inbound, answer: Callable[[bool], None], /) -> None:
        """An MO or DR of a bind. `answer(True)`: it is safe; `answer(False)`: come again. Harmless when it is gone."""
        ...

    def alarm(self, link: "Link", reason: str, /) -> None:
        """A person has to look: credentials refused, account stopped, no HTTP site works."""
        ...
