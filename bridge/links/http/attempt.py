"""What an endpoint knows of one request that is on its way. Plain data, changed by the endpoint."""

import asyncio


class Attempt:
    """A request without an answer. `given_up`: its outcome was told, and the answer would be a late one.

    `failures`: of its message before; `opened`: how often the circuit had opened when it left.
    """

    __slots__ = ("failures", "given_up", "limit", "opened", "ref", "task")

    def __init__(self, ref: object, failures: int, opened: int) -> None:
        self.ref = ref
        self.failures = failures
        self.opened = opened
        self.given_up = False
        self.task: asyncio.Task[None]
        self.limit: asyncio.TimerHandle
