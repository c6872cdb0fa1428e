"""While a story is lived, the process has its clock and its chance, and errors that are logged end it."""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import structlog

from bridge.inbound import deadlines
from bridge.inbound import segments as long_mos
from bridge.store import store

if TYPE_CHECKING:
    from tests.model_run.world import World


@contextlib.contextmanager
def possessed(world: "World") -> Iterator[None]:
    """Until it is over. What looks around now and then does so less often: most of a story's cost would be that."""

    def judge(_logger: object, _name: str, event: Any) -> Any:
        error = event.get("exc_info")
        world.failures.append(
            error if isinstance(error, BaseException) else AssertionError(f"logged: {event}")
        )
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.ExceptionRenderer(), judge],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    try:
        with (
            patch.object(time, "time", world.wall),
            patch.object(long_mos, "token_hex", lambda _octets: world.uuid().hex),
            patch.object(deadlines, "LOOK_S", 4.0),
            patch.object(store, "HEARTBEAT_S", 10.0),
        ):
            yield
    finally:
        structlog.configure(**before)
