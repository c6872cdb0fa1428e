"""How this bridge was built (setup.py)."""

from importlib.util import find_spec


def is_compiled() -> bool:
    """Whether the hot path was compiled by mypyc; False: all of it is Python source."""
    spec = find_spec("bridge.pace")  # one of those
    assert spec is not None  # noqa: S101
    assert spec.origin is not None  # noqa: S101
    return not spec.origin.endswith(".py")


def in_words() -> str:
    """The same for people."""
    return "compiled" if is_compiled() else "pure Python"
