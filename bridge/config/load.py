"""From the file to settings: once, at start, whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bridge.config.document import Document, read_document
from bridge.config.lint import advice, broken_references
from bridge.config.problems import ConfigError, Problem
from bridge.config.sentences import problems_of
from bridge.config.settings import Settings

LARGEST_BYTES = 1024 * 1024
"""Of the file. Thousands of providers fit in; reading more takes minutes."""

__all__ = ["ConfigError", "Loaded", "Problem", "load_config"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that can be used, and what is to be thought of, one line each with file and line number."""

    settings: Settings
    warnings: list[str]


def load_config(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read and check the configuration. `environ` answers ${NAME}. Raises ConfigError with every problem."""
    document = read_document(_text_of(path), environ, path.parent)
    settings = _validate(document)
    if settings is None:
        problems = sorted(set(document.problems), key=lambda problem: (problem.line or 0, problem.path))
        raise ConfigError(path, tuple(problems))
    warnings = sorted(document.problem(place, message) for place, message in advice(settings))
    return Loaded(settings, [warning.within(path) for warning in warnings])


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}; -c FILE or $BRIDGE_CONFIG names another"
        raise ConfigError(path, (Problem(None, "", message),)) from None
    if len(content) > LARGEST_BYTES:
        raise ConfigError(path, (Problem(None, "", f"is larger than {LARGEST_BYTES} octets"),))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, (Problem(line, "", "is not UTF-8 text"),)) from None


def _validate(document: Document) -> Settings | None:
    """Settings, or None with all that is wrong added to the document's problems."""
    if document.problems and document.data is None:
        return None
    known = {problem.path for problem in document.problems}
    settings = None
    try:
        settings = Settings.model_validate(document.data if document.data is not None else {})
    except ValidationError as error:
        # A place that already could not be read is wrong for that reason alone.
        document.problems += [found for found in problems_of(error, document) if found.path not in known]
    document.problems += broken_references(document)
    return None if document.problems else settings
