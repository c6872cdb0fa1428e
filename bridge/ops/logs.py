"""Logging, set up once: named events with fields, as JSON or for a terminal, on standard error, times in UTC.

What libraries log through the standard library takes the same road. Secrets are struck out at the last step,
whoever logged them. Numbers are masked where they are logged, and texts of messages never are.
"""

import logging
import re
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_KEYS = re.compile(r"passw|secret|token|authorization|credential", re.IGNORECASE)
USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
"""user:password@ of a URL, wherever it stands."""
STRUCK = "***"

NOISY = ("aiormq", "aio_pika")
"""Libraries that log a traceback for every lost connection; the broker room says the same in one line."""
QUIETER = {
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "aiormq": logging.CRITICAL,
    "aio_pika": logging.CRITICAL,
    "pamqp": logging.ERROR,  # warns of every header whose name it has to shorten, and shows that
    "python_multipart": logging.CRITICAL,  # warns of every malformed form: `callback.refused` says it once
}


class Forgiving:
    """A stream that drops what it cannot write: a full disk under the log, or its reader gone, must stop nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it, or forget it."""
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, if that can be."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(style: Literal["json", "console"], level: str, stream: TextIO | None = None) -> None:
    """Set up all logging of this process. `level` is a word of the standard library (debug, info, ...)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    stream = stream or sys.stderr
    out = cast("TextIO", Forgiving(stream))
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    after = _rendering(style, colours=stream.isatty())
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(max(least, number))
    handler.addFilter(_one_line)


def _one_line(record: logging.LogRecord) -> bool:
    """A lost connection is no fault of ours: say it without its traceback."""
    if record.name.partition(".")[0] in NOISY:
        record.exc_info = None
        record.exc_text = None
    return True


def _rendering(style: Literal["json", "console"], *, colours: bool) -> list[Processor]:
    renderer: Processor = structlog.processors.JSONRenderer(_dumps)
    if style == "console":
        # A plain traceback: a pretty one shows the values of variables, and with them texts and secrets.
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours, timestamp_key="at", exception_formatter=plain
        )
    return [structlog.processors.format_exc_info, _strike_secrets, renderer]


def _dumps(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _strike_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: STRUCK if SECRET_KEYS.search(str(key)) else _struck(value) for key, value in event.items()}


def _struck(value: object) -> object:
    return USERINFO.sub(f"{STRUCK}@", value) if isinstance(value, str) else value
