"""One callback from its head to its answer, as an ASGI application. What it says is the dialect's to read.

    POST /callbacks/<provider>[/<site>]

    404  no such path, provider or site          413  body too large
    405  not POST                                408  body too slow
    403  the caller's network may not call       415  a type of body that is not read
    401  no token, or a wrong one                400  not a form, or not a callback
    503  stopping, too much in hand, or it could not be made safe: the provider keeps it

They are looked at in this order, but for 415, which is known before the body. 200 only when it is safe.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from starlette.types import Receive, Scope, Send

from bridge.dialects.http import BadCallback, HttpDialect
from bridge.inbound.callbacks.bodies import Bodies, Gone, passed_over
from bridge.inbound.callbacks.callers import Callers
from bridge.inbound.callbacks.forms import Reader, read_json, reader_of
from bridge.inbound.callbacks.limits import Limits
from bridge.inbound.callbacks.refusals import Header, Refusals, Refused, unavailable
from bridge.inbound.ports import Answer
from bridge.model.inbound import Dr, Mo

ROOT = "/callbacks"
CHALLENGE: tuple[Header, ...] = (
    (b"www-authenticate", b'Bearer realm="callbacks"'),
    (b"www-authenticate", b'Basic realm="callbacks"'),
)
CLOSE: Header = (b"connection", b"close")
EMPTY: Header = (b"content-length", b"0")
JSON: Header = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackLink:
    """Whence a callback came, as far as the rest of inbound looks at a link. `site`: None where none is named."""

    provider: str
    site: str | None
    name: str = "callback"
    via: Literal["http"] = "http"


Received = Callable[[CallbackLink, Mo | Dr, Answer], None]
"""Takes an MO or DR; calls the answer once, when it is safe or cannot be made so."""


class Application:
    """Answers all callbacks of one worker. `stopping`: set, and what begins from then on is refused."""

    def __init__(
        self,
        dialects: Mapping[str, HttpDialect],
        sites: Mapping[str, frozenset[str]],
        received: Received,
        callers: Callers,
        refusals: Refusals,
        limits: Limits,
    ) -> None:
        """`dialects` and `sites` by provider."""
        self._dialects = dialects
        self._links = dict(_links(dialects, sites))
        self._received = received
        self._callers = callers
        self._refusals = refusals
        self._limits = limits
        self._bodies = Bodies(limits)
        self._in_hand = 0
        self.stopping = False
        self.tally: Counter[tuple[str, ...]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        link = self._links.get(scope["path"])
        provider = link.provider if link else ""
        try:
            await self._take(link, scope, receive)
        except Refused as refused:
            await self._refuse(send, provider, refused)
        except asyncio.CancelledError:  # a stop that could not wait
            await self._refuse(send, provider, unavailable("stopping", closes=True))
        except Gone:
            self.tally["gone", provider] += 1
        else:
            await self._say(send, provider, 200, [EMPTY])

    async def _take(self, link: CallbackLink | None, scope: Scope, receive: Receive) -> None:
        """Return when the callback is safe. Raises Refused, or Gone."""
        headers = dict(scope["headers"])
        try:
            link, reader = self._admit(link, scope, headers)
        except Refused as refused:
            refused.closes = not await passed_over(receive, headers)
            raise
        self._in_hand += 1
        try:
            limits = self._limits
            most_bytes = limits.json_bytes if reader is read_json else limits.body_bytes
            body = await self._bodies.read(receive, headers, most_bytes)
            try:
                await self._make_safe(link, reader, body)
            finally:
                self._bodies.release(body)
        finally:
            self._in_hand -= 1

    def _admit(
        self, link: CallbackLink | None, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> tuple[CallbackLink, Reader]:
        """All that can be said before the body is read."""
        if link is None:
            raise Refused(404, "no such provider or site")
        if scope["method"] != "POST":
            raise Refused(405, "callbacks are POSTed", headers=((b"allow", b"POST"),))
        client = scope["client"]
        peer = client[0] if client else ""
        if not self._callers.may_come(peer, headers):
            address = self._callers.address(peer, headers)
            raise Refused(403, "this network may not call", detail=str(address or "no address"))
        if not self._callers.shows_token(headers, scope["query_string"]):
            raise Refused(401, "the token is missing or wrong", headers=CHALLENGE)
        if self.stopping:
            raise unavailable("stopping")
        if self._in_hand >= self._limits.requests:
            raise unavailable("too many requests in hand")
        reader = reader_of(headers.get(b"content-type", b""))
        if reader is None:
            raise Refused(415, "this type of body is not read")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refused(415, "compressed bodies are not read")
        return link, reader

    async def _make_safe(self, link: CallbackLink, reader: Reader, body: bytes) -> None:
        try:
            inbound = self._dialects[link.provider].read_callback(reader(body))
            safe = await self._verdict(link, inbound)
        except BadCallback as bad:
            raise Refused(400, "not a callback", field=bad.field, rule=bad.rule) from None
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            # Not its message: that may quote the callback.
            detail = f"{type(error).__name__} in {at.name}, {Path(at.filename).name}:{at.lineno}"
            raise Refused(500, "a fault of the bridge", detail=detail) from error
        if not safe:
            raise unavailable("cannot be stored just now")

    async def _verdict(self, link: CallbackLink, inbound: Mo | Dr) -> bool:
        loop = asyncio.get_running_loop()
        verdict: asyncio.Future[bool] = loop.create_future()

        def answer(safe: bool) -> None:
            if not verdict.done():  # else it took too long
                verdict.set_result(safe)

        limit = loop.call_later(self._limits.answer_within_s, answer, False)
        try:
            self._received(link, inbound, answer)
            return await verdict
        finally:
            limit.cancel()

    async def _refuse(self, send: Send, provider: str, refused: Refused) -> None:
        self._refusals.tell(provider, refused.status, refused.reason, refused.detail)
        body = refused.body
        headers = [*refused.headers, JSON, (b"content-length", str(len(body)).encode())]
        if refused.closes or self.stopping:
            headers.append(CLOSE)
        await self._say(send, provider, refused.status, headers, body)

    async def _say(
        self, send: Send, provider: str, status: int, headers: list[Header], body: bytes = b""
    ) -> None:
        self.tally[str(status), provider] += 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _links(
    dialects: Iterable[str], sites: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, CallbackLink]]:
    """Every path there is: one look-up finds both provider and site."""
    for provider in dialects:
        path = f"{ROOT}/{provider}"
        yield path, CallbackLink(provider=provider, site=None)
        for site in sites.get(provider, ()):
            yield f"{path}/{site}", CallbackLink(provider=provider, site=site)
