"""An authority of the tests' own, and the certificates it signs: made with the openssl program, for two days."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

DAYS = 2


class Identity(NamedTuple):
    """A certificate and its private key, as files."""

    cert: Path
    key: Path

    def server(self, asks_for: "Authority | None" = None) -> ssl.SSLContext:
        """What a server needs to be known by it. `asks_for`: whose certificate its clients have to show."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert, self.key)
        if asks_for is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(asks_for.cert)
        return context


class Authority:
    """Signs whatever it is asked to. `cert` is what those have to be given who are to trust it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.cert, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl(
            *("req", "-x509", *_new_key(self._key), "-out", str(self.cert)),
            *("-days", str(DAYS), "-subj", f"/CN={name}"),
        )

    def issue(self, host: str, *, days: int = DAYS, as_file: str | None = None) -> Identity:
        """For a host of this name, or for a client. With -1 day it expired yesterday."""
        stem = self._folder / f"{self._name}-{as_file or host}"
        cert, key, wish, names = (stem.with_suffix(f".{end}") for end in ("pem", "key", "csr", "names"))
        names.write_text(f"subjectAltName=DNS:{host}\n")
        _openssl("req", *_new_key(key), "-out", str(wish), "-subj", f"/CN={host}")
        _openssl(
            *("x509", "-req", "-in", str(wish), "-CA", str(self.cert), "-CAkey", str(self._key)),
            *("-CAcreateserial", "-days", str(days), "-extfile", str(names), "-out", str(cert)),
        )
        return Identity(cert, key)


def _new_key(path: Path) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path))


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
