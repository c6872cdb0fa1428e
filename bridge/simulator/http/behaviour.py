"""How an HTTP site may be told to misbehave: the hooks, and the plan for one request that they change.

The misbehaviours themselves are in `faults.py`. A site without behaviours is a good one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.simulator.http.records import Answer, Callback, Message
from bridge.simulator.http.style import Style

if TYPE_CHECKING:
    from bridge.simulator.http.connection import HttpConnection

DELIVERED = 2


@dataclass(frozen=True, slots=True)
class Promise:
    """A receipt to come: state and code, and how long after the message's own receipt delay."""

    state: int = DELIVERED
    code: int = 0
    after_s: float = 0.0


@dataclass(slots=True)
class Plan:
    """What is going to be done about one request. Behaviours change it, one after another, before it is done.

    `message` None: a HEAD, by which a client looks whether anybody is there. `code`: the provider's word on the
    message. `instead`: an answer that is none of the provider's. `answered` False: none that a client could read.
    `leave`: how the octets of the answer get out, or what is done in their place.
    """

    connection: "HttpConnection"
    style: Style
    message: Message | None
    code: int
    taken: bool
    instead: Answer | None = None
    answered: bool = True
    answer_delay_s: float = 0.0
    promises: tuple[Promise, ...] = (Promise(),)
    leave: "Callable[[HttpConnection, bytes], None] | None" = None

    def refuse(self, code: int) -> None:
        """Not taken, answered with this code."""
        self.taken = False
        self.code = code

    def say(self, answer: Answer, *, taken: bool) -> None:
        """Answered with something that is no word on the message."""
        self.taken = self.taken and taken
        self.instead = answer

    def hush(self, *, taken: bool) -> None:
        """No answer that a client could read, ever. Whether it was taken is known to the provider alone."""
        self.taken = self.taken and taken
        self.answered = False


class HttpBehaviour:
    """One way to misbehave. Subclasses override the hooks they need; an instance may serve one site or several."""

    def on_request(self, plan: Plan) -> None:
        """A request came in: change the plan for it."""

    def sends_again(self, callback: Callback) -> bool:  # noqa: ARG002 - for those who override
        """A callback of this site was answered OK: is it sent once more all the same?"""
        return False
