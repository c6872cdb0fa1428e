"""What is compiled by mypyc keeps away from what that does otherwise than Python.

Learned from tests that failed on a compiled bridge: coroutines that clean up when they are cancelled did not always,
and `except (A, B) as error` behind an `except C as error` wanted a C. (So did `is` between tuples, which no look at
the syntax finds: `make compiled` does.)
"""

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

ROOT = Path(__file__).parents[2]


def hot_paths() -> list[Path]:
    """As setup.py has them."""
    with patch("setuptools.setup"):
        rooms: dict[str, str] = runpy.run_path(str(ROOT / "setup.py"))["HOT"]
    return [
        ROOT / "bridge" / room / f"{module}.py"
        for room, modules in rooms.items()
        for module in modules.split()
    ]


def faults(source: str) -> Iterator[str]:
    """What a compiled module must not have: `line: what`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncWith | ast.AsyncFor):
            yield f"{node.lineno}: a coroutine with a context"
        elif isinstance(node, ast.Try):
            yield from (f"{one.lineno}: await while cleaning up" for one in _awaits_of_the_end(node))
            names = [handler.name for handler in node.handlers if handler.name]
            if len(names) != len(set(names)):
                yield f"{node.lineno}: errors of several kinds under one name"


def _awaits_of_the_end(node: ast.Try) -> Iterator[ast.Await]:
    ends: list[Any] = [*node.finalbody, *(line for handler in node.handlers for line in handler.body)]
    return (inner for line in ends for inner in ast.walk(line) if isinstance(inner, ast.Await))


def test_nothing_compiled_does_what_compiling_changes() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{fault}" for path in hot_paths() for fault in faults(path.read_text())
    ] == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("async def f():\n async with g(): pass", "2: a coroutine with a context"),
        ("async def f():\n try: pass\n finally: await g()", "3: await while cleaning up"),
        ("async def f():\n try: pass\n except E: await g()", "3: await while cleaning up"),
        ("try: pass\nexcept A as e: pass\nexcept B as e: pass", "1: errors of several kinds under one name"),
    ],
)
def test_each_of_these_would_be_found(source: str, fault: str) -> None:
    assert list(faults(source)) == [fault]
