"""Logs: one line an event, in either style, and no secret in any of them."""

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from bridge.ops import logs


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIETER}
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, number in levels.items():
        logging.getLogger(name).setLevel(number)


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_json_is_one_object_a_line_with_utc_time() -> None:
    out = io.StringIO()
    logs.configure("json", "info", out)
    structlog.get_logger().bind(link="a:1").info("bind.up", number=3, odd=object)
    structlog.get_logger().debug("not.shown")
    (line,) = lines(out)
    assert line["event"] == "bind.up"
    assert line["level"] == "info"
    assert line["link"] == "a:1"
    assert str(line["at"]).endswith("Z")


def test_libraries_take_the_same_road() -> None:
    out = io.StringIO()
    logs.configure("json", "info", out)
    logging.getLogger("some.library").warning("it is %s", "late")
    (line,) = lines(out)
    assert (line["event"], line["logger"], line["level"]) == ("it is late", "some.library", "warning")


def test_a_library_that_is_noisy_about_lost_connections_says_it_without_traceback() -> None:
    out = io.StringIO()
    logs.configure("json", "info", out)
    logging.getLogger("aiormq.connection").warning("gone")
    logging.getLogger("aiormq.connection").error("unexpected")
    logging.getLogger("aiormq.connection").critical("unexpected", exc_info=ConnectionError("reset"))
    logging.getLogger("some.library").error("unexpected", exc_info=ConnectionError("reset"))
    tamed, other = lines(out)
    assert "exception" not in tamed
    assert "ConnectionError: reset" in str(other["exception"])


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_struck_out_whoever_logs_them(style: str) -> None:
    out = io.StringIO()
    logs.configure("json" if style == "json" else "console", "debug", out)
    structlog.get_logger().info(
        "broker.up", url="amqps://me:hunter2@rabbit/", Password="hunter2", api_token="hunter2"
    )
    logging.getLogger("lib").error("cannot reach redis://:hunter2@redis:6379/0")
    structlog.get_logger().error("broker.failed", exc_info=ValueError("amqp://me:hunter2@rabbit/"))
    assert "hunter2" not in out.getvalue()
    assert "***@rabbit" in out.getvalue()
    assert "ValueError" in out.getvalue()


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:  # noqa: ARG002
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    logs.configure("json", "info", Full())
    structlog.get_logger().warning("bind.lost")
    logging.getLogger("asyncio").error("nobody hears this")
