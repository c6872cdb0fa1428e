"""What an endpoint knows of one request that is on its way. Plain data, changed by the endpoint."""

import asyncio

from bridge.links.http.client import Asked


class Attempt:
    """A request without an answer. `given_up`: its outcome was told, and the answer would be a late one.

    `ident`: what the provider knows its message by; `failures`: of that before; `opened`: how often the circuit had
    opened when it left. `asked` or `task` brings the answer.
    """

    __slots__ = ("asked", "failures", "given_up", "ident", "opened", "ref", "task")

    def __init__(self, ref: object, ident: str, failures: int, opened: int) -> None:
        self.ref = ref
        self.ident = ident
        self.failures = failures
        self.opened = opened
        self.given_up = False
        self.asked: Asked | None = None
        self.task: asyncio.Task[None] | None = None
