"""Crash hooks: a worker dies (SIGKILL) at a named step, between two things that promise 2 of the contract tells apart.

The bridge has no hooks. Here the methods that lead from one step to the next are wrapped, in a process that was
started to die so (`worker.py`); what is not there to be wrapped any more ends that process at once.
"""

import asyncio
import inspect
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from bridge.broker.message import Confirmation, Delivery, Outgoing
from bridge.broker.publisher import Publisher
from bridge.links.bind import Bind
from bridge.links.http.endpoint import Endpoint
from bridge.store.claims import Claim, Claims
from bridge.store.receipts import MessageClaim, ReceiptClaim, Receipts
from bridge.store.segments import Segments, SetClaim

SENT_S = 0.005
"""What was handed to a socket has left by then, and no answer came: the simulated provider needs longer."""

Die = Callable[[], None]
"""To be called each time the step is passed."""


@dataclass(frozen=True, slots=True)
class Step:
    """`meaning`: what is done already, and what is not. `most`: it dies at one of so many passages.

    `doubt`: it is passed only when answers of an SMSC are lost.
    """

    meaning: str
    arm: Callable[[Die], None]
    most: int = 100
    doubt: bool = False


def _before(kind: type, method: str, when: Callable[..., bool] = lambda *_: True) -> Callable[[Die], None]:
    """As the method is called, with arguments for which `when` holds."""

    def arm(die: Die) -> None:
        original = getattr(kind, method)

        @wraps(original)
        def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
            if when(*arguments):
                die()
            return original(self, *arguments, **options)

        setattr(kind, method, wrapped)

    return arm


def _when_sent(kind: type, method: str, when: Callable[..., bool] = lambda *_: True) -> Callable[[Die], None]:
    """When what the method was to write has left."""

    def arm(die: Die) -> None:
        original = getattr(kind, method)

        @wraps(original)
        def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
            result = original(self, *arguments, **options)
            if when(*arguments):
                asyncio.get_running_loop().call_later(SENT_S, die)
            return result

        setattr(kind, method, wrapped)

    return arm


def _when_done(
    kind: type,
    method: str,
    result: Callable[..., bool] = lambda *_: True,
    when: Callable[..., bool] = lambda *_: True,
) -> Callable[[Die], None]:
    """When the method's `done` is about to hear such a result."""

    def arm(die: Die) -> None:
        original = getattr(kind, method)
        signature = inspect.signature(original)

        @wraps(original)
        def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
            call = signature.bind(self, *arguments, **options)
            done = call.arguments["done"]

            def heard(*results: Any) -> Any:
                if when(*arguments) and result(*results):
                    die()
                return done(*results)

            call.arguments["done"] = heard
            return original(*call.args, **call.kwargs)

        setattr(kind, method, wrapped)

    return arm


def _is_ours(claim: Claim | MessageClaim | ReceiptClaim | None) -> bool:
    return claim is not None and claim.verdict == "new"


def _is_held(claim: SetClaim | None) -> bool:
    return claim is not None and claim.verdict == "held"


def _is_outcome(message: Outgoing, *_: object) -> bool:
    return message.type == "mt"


def _is_inbound(message: Outgoing, *_: object) -> bool:
    return message.type in ("dr", "mo")


def _is_confirmed(confirmation: Confirmation) -> bool:
    return confirmation is Confirmation.CONFIRMED


STEPS: Mapping[str, Step] = {
    "claimed": Step("an MT is claimed, and nothing of it written", _when_done(Claims, "claim", _is_ours)),
    "written": Step("a submit_sm is written, and not answered", _when_sent(Bind, "submit")),
    "posted": Step("an MT is posted over HTTP, and not answered", _when_sent(Endpoint, "submit"), most=20),
    "answered": Step("a submit_sm is answered, and that not recorded", _before(Claims, "answered")),
    "recorded": Step(
        "the answer to a submit_sm is recorded, and its delivery not acknowledged",
        _when_done(Claims, "answered"),
    ),
    "segment-recorded": Step(
        "the answer to a segment is recorded, and not those to others",
        _when_done(Claims, "part_answered"),
        most=20,
    ),
    "acking": Step("all is done for an MT, and its delivery not acknowledged", _before(Delivery, "ack")),
    "telling": Step(
        "doubt is found, and not told", _before(Publisher, "publish", _is_outcome), most=5, doubt=True
    ),
    "told": Step(
        "doubt is told and that confirmed, and no second copy sent",
        _when_done(Publisher, "publish", _is_confirmed, _is_outcome),
        most=5,
        doubt=True,
    ),
    "receipt-claimed": Step(
        "a receipt is claimed, and its event not published", _when_done(Receipts, "receipt", _is_ours)
    ),
    "mo-claimed": Step(
        "an MO is claimed, and its event not published", _when_done(Receipts, "message", _is_ours), most=20
    ),
    "published": Step(
        "the event of an MO or receipt is published, and perhaps not confirmed",
        _when_sent(Publisher, "publish", _is_inbound),
    ),
    "confirmed": Step(
        "the event of an MO or receipt is confirmed, and not committed",
        _when_done(Publisher, "publish", _is_confirmed, _is_inbound),
    ),
    "committed": Step(
        "an MO or receipt is committed, and its deliver_sm not answered", _when_done(Receipts, "commit")
    ),
    "held": Step(
        "a segment of an MO is held, and its deliver_sm not answered",
        _when_done(Segments, "add", _is_held),
        most=3,
    ),
}


def arm(name: str, passage: int) -> None:
    """This process dies when it passes this step for the so manieth time, from 1. Raises KeyError, AttributeError."""
    left = passage

    def die() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    STEPS[name].arm(die)
