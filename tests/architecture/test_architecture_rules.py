"""The rules of the house that no linter knows: pure floors, opening docstrings, small files, names that say something.

The directions of imports are held by import-linter, which is run here too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"
LONGEST_FILE = 330  # lines; the aim is 300

PURE_ROOMS = ["model", "smpp", "text", "dialects", "config"]
# Waiting, sockets, clocks, chance, logs and the environment: what a pure room is given as arguments instead.
IMPURE_MODULES = {
    *("asyncio", "concurrent", "threading", "multiprocessing", "subprocess", "signal", "sched"),
    *("socket", "select", "selectors", "ssl", "http", "urllib.request"),
    *("time", "random", "secrets", "uuid", "tempfile"),
    *("logging", "structlog", "warnings"),
}
IMPURE_ATTRIBUTES = {
    *(("datetime", name) for name in ("now", "utcnow", "today")),
    *(("date", name) for name in ("today",)),
    *(("os", name) for name in ("environ", "environb", "getenv", "urandom", "getrandom", "times", "system")),
    *(("sys", name) for name in ("stdin", "stdout", "stderr", "argv")),
}
IMPURE_CALLS = {"print", "input", "breakpoint"}
MEANINGLESS_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}

SOURCES = sorted(BRIDGE.rglob("*.py"))
PURE_SOURCES = [path for path in SOURCES if path.relative_to(BRIDGE).parts[0] in PURE_ROOMS]


def impurities(tree: ast.AST) -> Iterator[str]:
    """Whatever in this syntax tree waits, or knows of more than its arguments: `line: what`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await):
            yield f"{node.lineno}: async"
        elif isinstance(node, ast.Import):
            yield from (f"{node.lineno}: import {name.name}" for name in node.names if _is_impure(name.name))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [(module.rpartition(".")[2], name.name) for name in node.names]
            if _is_impure(module) or any(name in IMPURE_ATTRIBUTES for name in names):
                yield f"{node.lineno}: from {module} import"
        elif isinstance(node, ast.Attribute):
            owner = (
                node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            )
            if (owner, node.attr) in IMPURE_ATTRIBUTES:
                yield f"{node.lineno}: {owner}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield f"{node.lineno}: {node.func.id}()"


def _is_impure(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:length]) in IMPURE_MODULES for length in range(1, len(parts) + 1))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_lower_floors_are_pure() -> None:
    found = [
        f"{_name(path)}:{impurity}"
        for path in PURE_SOURCES
        for impurity in impurities(ast.parse(path.read_text()))
    ]
    assert PURE_SOURCES
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "async def f(): ...",
        "import asyncio",
        "import time",
        "from time import monotonic",
        "import os, random",
        "from asyncio.tasks import gather",
        "from os import environ",
        "import os; os.environ['HOME']",
        "import datetime; datetime.datetime.now()",
        "from datetime import datetime; datetime.now()",
        "datetime.date.today()",
        "import structlog",
        "from urllib.request import urlopen",
        "print('x')",
    ],
)
def test_the_purity_test_sees(line: str) -> None:
    assert list(impurities(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "from datetime import datetime; datetime.fromtimestamp(now)",
        "from urllib.parse import urlsplit",
        "import re",
    ],
)
def test_the_purity_test_lets_pass(line: str) -> None:
    assert not list(impurities(ast.parse(line)))


def test_every_file_opens_by_saying_what_it_is_for() -> None:
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    docstrings = {_name(path): ast.get_docstring(ast.parse(path.read_text())) or "" for path in files}
    assert len(docstrings) > len(SOURCES) > 0
    assert not [name for name, docstring in docstrings.items() if len(docstring.split()) < 5]


def test_files_are_short_and_named_after_their_idea() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert not [name for name, length in lengths.items() if length > LONGEST_FILE]
    parts = {_name(path): set(path.relative_to(BRIDGE).with_suffix("").parts) for path in SOURCES}
    assert not [name for name, words in parts.items() if words & MEANINGLESS_NAMES]


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


def test_imports_point_down() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
