"""What a link tells the rooms above: the one interface they implement, and `app.py` hands in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from bridge.model.inbound import Inbound
from bridge.model.outcome import Outcome

if TYPE_CHECKING:
    from bridge.links.bind import Bind


class LinkEvents(Protocol):
    """Called in the loop, never from inside `submit`."""

    def link_changed(self, link: "Bind", /) -> None:
        """Bound, lost, stopped, stalled or no longer so, or a slot came free after there was none."""
        ...

    def attempt_ended(self, link: "Bind", ref: object, outcome: Outcome, /) -> None:
        """Exactly once for every `submit` that returned True."""
        ...

    def answered_late(self, link: "Bind", ref: object, outcome: Outcome, /) -> None:
        """The answer to an attempt that ended in doubt came after all."""
        ...

    def received(self, link: "Bind", inbound: Inbound, answer: Callable[[bool], None], /) -> None:
        """An MO or DR. `answer(True)`: it is safe; `answer(False)`: come again. Harmless when the bind is gone."""
        ...

    def alarm(self, link: "Bind", reason: str, /) -> None:
        """A person has to look: credentials refused, account stopped."""
        ...
