"""Is anything known against the packages that are locked? Asked of OSV (osv.dev), which collects PyPI's advisories.

Run as a program (`make audit`) it exits 1 where something is known, and 3 where nobody could be asked: an audit that
did not take place must not look like one that found nothing. Standard library only.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

SERVICE = "https://api.osv.dev/v1/querybatch"
LIMIT_S = 20.0
NOTHING_KNOWN, SOMETHING_KNOWN, NOT_ASKED = 0, 1, 3


class Package(NamedTuple):
    """One package of a lock file."""

    name: str
    version: str


class NoService(Exception):
    """The question was not answered; the message says why."""


def locked(text: str) -> list[Package]:
    """The packages of a lock file, in its order."""
    return [Package(*found) for found in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)]


def known_against(packages: Sequence[Package], service: str = SERVICE) -> dict[Package, list[str]]:
    """The ids of the advisories on each package that has some. At most 1,000 packages. Raises NoService."""
    queries = [
        {"package": {"name": package.name, "ecosystem": "PyPI"}, "version": package.version}
        for package in packages
    ]
    request = urllib.request.Request(  # noqa: S310 - the service above, or a test's
        service, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
            results: list[dict[str, Any]] = json.load(answer)["results"]
        found = {
            package: [advisory["id"] for advisory in result.get("vulns", ())]
            for package, result in zip(packages, results, strict=True)
        }
    except urllib.error.HTTPError as error:
        raise NoService(f"{service} answers HTTP {error.code}") from None
    except OSError as error:
        raise NoService(f"{service} cannot be reached: {getattr(error, 'reason', error)}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise NoService(f"{service} answers what cannot be read") from None
    return {package: ids for package, ids in found.items() if ids}


def main(lock: Path, service: str = SERVICE) -> int:
    """Ask about all of a lock file, and say what came of it. Returns the exit code."""
    packages = locked(lock.read_text())
    try:
        found = known_against(packages, service)
    except NoService as error:
        sys.stderr.write(f"{lock.name} could not be audited: {error}\n")
        return NOT_ASKED
    for package, ids in found.items():
        for advisory in ids:
            line = f"{package.name} {package.version}: https://osv.dev/vulnerability/{advisory}\n"
            sys.stderr.write(line)
    sys.stderr.write(f"{lock.name}: {len(packages)} packages audited, something is known of {len(found)}\n")
    return SOMETHING_KNOWN if found else NOTHING_KNOWN


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
