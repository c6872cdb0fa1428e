"""One connection on which a provider calls its client: kept while it works, opened again when it does not.

It knows URLs and HTTP, not callbacks. A pooled client would do, but costs a hundred times as much a call when fifty
are under way.
"""

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

import h11

READ_OCTETS = 65_536


class CallFailed(Exception):
    """No answer. The message says why, in a word."""


@dataclass(frozen=True, slots=True)
class CallbackUrl:
    """Where to call. `shown` is how it may be written down: without what may be a token or a password."""

    host: str
    port: int
    tls: bool
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    shown: str

    @classmethod
    def read(cls, text: str, token: str = "") -> Self:
        """Reads a URL. A user and password in it are shown to the client (Basic), or else the token (Bearer).

        Raises ValueError, which does not quote it.
        """
        for name, value in (("URL", text), ("token", token)):
            if not (value.isascii() and value.isprintable()) or " " in value:
                raise ValueError(f"callback {name}: must be printable ASCII without spaces")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError("callback URL: cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("callback URL: must begin with http:// or https:// and a host")
        tls = parts.scheme == "https"
        path = parts.path or "/"
        place = parts.netloc.rpartition("@")[2]
        headers = [("Host", place)]
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
        elif token:
            headers.append(("Authorization", f"Bearer {token}"))
        return cls(
            parts.hostname,
            port or (443 if tls else 80),
            tls,
            f"{path}?{parts.query}" if parts.query else path,
            tuple(headers),
            f"{parts.scheme}://{place}{path}",
        )


class Caller:
    """Calls one URL, one call at a time. It takes any certificate: it is for trying things on."""

    def __init__(self, url: CallbackUrl, timeout_s: float) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def post(self, form: bytes) -> int:
        """Posts a form and gives the HTTP status of the answer. Raises CallFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._post(form)
        except TimeoutError:
            self.close()
            raise CallFailed("timeout") from None
        except (OSError, h11.ProtocolError) as error:
            self.close()
            raise CallFailed(type(error).__name__) from None
        except asyncio.CancelledError:
            self.close()
            raise
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        return status

    async def _post(self, form: bytes) -> int:
        reader, writer = await self._connected()
        request = h11.Request(
            method="POST",
            target=self.url.target,
            headers=[
                *self.url.headers,
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Content-Length", str(len(form))),
            ],
        )
        http = self._http
        head = http.send(request) or b""
        writer.write(head + (http.send(h11.Data(data=form)) or b"") + (http.send(h11.EndOfMessage()) or b""))
        status = 0
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(READ_OCTETS))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                return status
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            tls = _trusting() if self.url.tls else None
            self._reader, self._writer = await asyncio.open_connection(self.url.host, self.url.port, ssl=tls)
            self._http = h11.Connection(h11.CLIENT)
        return self._reader, self._writer

    def close(self) -> None:
        """Hangs up."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
