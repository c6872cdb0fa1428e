"""The lock files: they know every dependency, agree with each other, and name no place to fetch from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"


def locked(name: str) -> dict[str, str]:
    """Version by name of package."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def wanted(*requirements: str) -> set[str]:
    """The names of packages in these requirements, as the lock writes them."""
    return {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in requirements}


def test_every_dependency_is_locked() -> None:
    assert wanted(*PROJECT["dependencies"]) <= locked(RUNTIME).keys()
    everything = wanted(*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])
    assert everything <= locked(DEVELOPMENT).keys()


def test_tests_run_with_what_is_shipped() -> None:
    assert locked(RUNTIME).items() <= locked(DEVELOPMENT).items()


@pytest.mark.parametrize("name", [RUNTIME, DEVELOPMENT])
def test_every_package_has_its_hashes_and_nothing_says_where_to_fetch_it(name: str) -> None:
    text = (ROOT / name).read_text()
    packages = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in package for package in packages)
    assert not re.search(r"https?://|--index-url|--find-links", text)
