"""The packages: audited where that service is reached, locked as the project asks, under licences it may use."""

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement

from bridge.proof.advisories import NOT_ASKED, NOTHING_KNOWN, SOMETHING_KNOWN, locked, main
from bridge.proof.machine import free_ports

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@contextmanager
def service(known: dict[str, list[str]], answer: str = "") -> Iterator[str]:
    """An OSV that knows of advisories by package, or gives this answer whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            assert all(query["package"]["ecosystem"] == "PyPI" and query["version"] for query in queries)
            ids = [known.get(query["package"]["name"], []) for query in queries]
            results = [{"vulns": [{"id": i} for i in some]} if some else {} for some in ids]
            self.send_response(200)
            self.end_headers()
            self.wfile.write((answer or json.dumps({"results": results})).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
        finally:
            server.shutdown()
            thread.join()


def test_an_audit_that_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with service({}) as url:
        assert main(ROOT / LOCKS[0], url) == NOTHING_KNOWN
    assert "packages audited, something is known of 0" in capsys.readouterr().err


def test_an_audit_that_finds_something_fails_and_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    with service({"h11": ["GHSA-1", "PYSEC-2"]}) as url:
        assert main(ROOT / LOCKS[0], url) == SOMETHING_KNOWN
    said = capsys.readouterr().err
    assert re.search(r"^h11 \S+: https://osv\.dev/vulnerability/PYSEC-2$", said, re.MULTILINE)


@pytest.mark.parametrize("answer", ["<html>", "{}", '{"results": []}', '{"results": [1]}', "[]"])
def test_an_answer_that_is_none_is_no_audit(answer: str, tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    lock.write_text("h11==0.16.0 \\\n    --hash=sha256:0\n")
    with service({}, answer) as url:
        assert main(lock, url) == NOT_ASKED


def test_a_service_that_is_not_there_is_no_audit(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    assert main(ROOT / LOCKS[0], f"http://127.0.0.1:{port}/") == NOT_ASKED
    assert "could not be audited" in capsys.readouterr().err


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_locked_is_what_the_project_asks_for(name: str) -> None:
    versions = {package.name: package.version for package in locked((ROOT / name).read_text())}
    wanted = PROJECT["dependencies"] + (PROJECT["optional-dependencies"]["dev"] if "dev" in name else [])
    for requirement in map(Requirement, wanted):
        assert versions[requirement.name.lower()] in requirement.specifier


def test_what_is_shipped_may_be() -> None:
    """The bridge is under the Apache License; what it imports may be under the lesser GPL, not the GPL."""
    for package in locked((ROOT / LOCKS[0]).read_text()):
        try:
            facts = metadata.metadata(package.name)
        except metadata.PackageNotFoundError:
            continue  # for another Python or system
        words = [facts[key] for key in ("License-Expression", "License") if key in facts]
        words += [line for line in facts.get_all("Classifier") or [] if line.startswith("License")]
        assert any(words), f"{package.name} says nothing of its licence"
        assert not re.search(r"(?<!Lesser )General Public|\bA?GPL", " ".join(words)), package.name
