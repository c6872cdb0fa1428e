"""Misbehaviours of the link itself: cut, unbound, refused, deaf, garbled, or chopped up."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from weakref import WeakKeyDictionary

from bridge.simulator.behaviour import Behaviour, Plan
from bridge.simulator.session import SmscSession
from bridge.smpp import consts
from bridge.smpp.framing import build_pdu


class AfterNth(Behaviour):
    """Acts when a bind has sent `after` submit_sm; on the first `times` binds that get there, 0: on all."""

    def __init__(self, after: int = 100, times: int = 0) -> None:
        if after < 1:
            raise ValueError("after: must be at least 1")
        self._after = after
        self._times = times
        self._done = 0

    def on_submit(self, plan: Plan) -> None:
        """Acts when it is time."""
        if plan.session.submits == self._after and (not self._times or self._done < self._times):
            self._done += 1
            self.act(plan)

    def act(self, plan: Plan) -> None:
        """What is done with the nth."""
        raise NotImplementedError


class Drop(AfterNth):
    """Cuts the connection instead of answering the nth submit_sm. Takes it all the same, unless `taken` is no."""

    def __init__(self, after: int = 100, times: int = 0, taken: bool = True) -> None:
        super().__init__(after, times)
        self._taken = taken

    def act(self, plan: Plan) -> None:
        """No answer and no link."""
        plan.hush(taken=self._taken)
        plan.then.append(SmscSession.cut)


class Unbind(AfterNth):
    """Answers the nth submit_sm and then sends unbind."""

    def act(self, plan: Plan) -> None:
        """Unbinds us."""
        plan.then.append(SmscSession.unbind)


class Garbage(AfterNth):
    """Sends octets that are no PDU behind the answer to the nth submit_sm.

    `kind` `http`: an HTTP answer, as from a wrong port; `random`: random octets; `long`: a command_length beyond
    reason; `command`: a well-formed PDU with a command_id that SMPP does not have; `deliver`: a deliver_sm that
    ends in the middle of an address. After the first three the stream is lost, after the others it is not.
    """

    def __init__(self, after: int = 100, times: int = 0, kind: str = "http") -> None:
        super().__init__(after, times)
        kinds: dict[str, bytes] = {
            "http": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            "random": b"\xff" + Random(after).randbytes(99),  # noqa: S311 - the same each time
            "long": b"\xff\xff\xff\xff" + consts.DELIVER_SM.to_bytes(4, "big") + bytes(8),
            "command": build_pdu(0x00000A0A, 0, 7, b"what is this"),
            "deliver": build_pdu(consts.DELIVER_SM, 0, 0x7FFF0000, b"\0\x01\x01447700"),
        }
        if kind not in kinds:
            raise ValueError(f"kind: must be one of {', '.join(kinds)}")
        self._octets = kinds[kind]

    def act(self, plan: Plan) -> None:
        """Out with it."""
        octets = self._octets
        plan.then.append(lambda session: session.gather(octets))


class SilentOnEnquire(Behaviour):
    """Never answers enquire_link. Everything else goes on as if nothing were amiss."""

    answers_enquire_link = False


class RefuseBind(Behaviour):
    """Refuses binds with `status` and closes: the first `times` of them, 0: all."""

    def __init__(self, status: int = consts.ESME_RBINDFAIL, times: int = 0) -> None:
        self._status = status
        self._times = times
        self._done = 0

    def on_bind(self, session: SmscSession) -> int | None:  # noqa: ARG002 - they are all alike
        """Not this one."""
        self._done += 1
        return self._status if not self._times or self._done <= self._times else None


class BlackHole(Behaviour):
    """Accepts the connection and never says a word, nor does it hang up."""

    def on_connect(self, session: SmscSession) -> None:
        """Stops listening."""
        session.deaf = True


class SplitWrites(Behaviour):
    """Writes in pieces of 1 to 7 octets, one each loop turn, so that PDUs arrive in tatters."""

    def __init__(self) -> None:
        self._waiting: WeakKeyDictionary[SmscSession, deque[bytes]] = WeakKeyDictionary()
        self._random = Random(7)  # noqa: S311 - the same tatters each time

    def write(self, session: SmscSession, data: bytes, onward: Callable[[bytes], None]) -> None:
        """Cuts and queues; a queue that was empty begins to run."""
        pieces = self._waiting.setdefault(session, deque())
        idle = not pieces
        at = 0
        while at < len(data):
            size = self._random.randint(1, 7)
            pieces.append(data[at : at + size])
            at += size
        if idle:
            self._write_one(pieces, onward)

    def _write_one(self, pieces: deque[bytes], onward: Callable[[bytes], None]) -> None:
        onward(pieces.popleft())
        if pieces:
            asyncio.get_running_loop().call_soon(self._write_one, pieces, onward)


class MergeWrites(Behaviour):
    """Holds everything back for `seconds` and writes it as one: many PDUs in one read, answers and all."""

    def __init__(self, seconds: float = 0.1) -> None:
        self._seconds = seconds
        self._waiting: WeakKeyDictionary[SmscSession, list[bytes]] = WeakKeyDictionary()

    def write(self, session: SmscSession, data: bytes, onward: Callable[[bytes], None]) -> None:
        """Holds; the first piece sets the clock."""
        pieces = self._waiting.setdefault(session, [])
        pieces.append(data)
        if len(pieces) == 1:
            session.smsc.network.agenda.after(self._seconds, self._write_all, pieces, onward)

    @staticmethod
    def _write_all(pieces: list[bytes], onward: Callable[[bytes], None]) -> None:
        onward(b"".join(pieces))
        pieces.clear()
