"""Names through DNS: an answer holds for the TTL it came with, not longer (contract 1.5).

Not responsible for what becomes of connections when an answer has expired (`lot.py`). Failures are not kept: the next
asker asks again.
"""

import asyncio
import ipaddress
import math
from collections.abc import Iterable

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from bridge.links.http.errors import NameNotResolved
from bridge.links.http.names import Answer, is_address, system_addresses

LIMIT_S = 5.0
"""How long DNS may take, and after it the system."""
SYSTEM_TTL_S = 30.0
"""How long an answer of the system holds, which names no time itself."""
OTHER_FAMILY_S = 0.5
"""How long one family's addresses wait for the other's. Some nameservers never answer for AAAA."""

_FAMILIES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class Resolver:
    """Where hosts are, as DNS tells. `nameservers`: `address:port` each; none: the system's configuration."""

    def __init__(self, nameservers: Iterable[str] = (), *, limit_s: float = LIMIT_S) -> None:
        """Raises ValueError for a nameserver that is no address and port."""
        self._limit_s = limit_s
        self._dns = _stub([_nameserver(text) for text in nameservers])
        self._known: dict[str, Answer] = {}
        self._asking: dict[str, _Asking] = {}

    async def resolve(self, host: str, *, afresh: bool = False) -> Answer:
        """Its addresses: A first, then AAAA. Whoever asks while a query is under way shares its answer."""
        if is_address(host):
            return Answer((host,), math.inf)
        known = self._known.get(host)
        if known is not None and not afresh and asyncio.get_running_loop().time() < known.expires_at:
            return known
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = _Asking()
            asking.task = asyncio.create_task(self._ask(host, asking), name=f"resolve {host}")
        asking.waiting += 1
        try:
            # One who is cancelled must not take the answer from the others.
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if not asking.waiting:
                self._end(host, asking)
                asking.task.cancel()

    def _end(self, host: str, asking: "_Asking") -> None:
        if self._asking.get(host) is asking:
            del self._asking[host]

    async def _ask(self, host: str, asking: "_Asking") -> Answer:
        self._known.pop(host, None)
        try:
            try:
                answer = await self._ask_dns(host)
            except NameNotResolved as error:
                answer = await self._ask_system(host, error)
            self._known[host] = answer
            return answer
        finally:
            self._end(host, asking)

    async def _ask_system(self, host: str, unknown: NameNotResolved) -> Answer:
        """It may know better: a hosts file, a search list, `localhost`."""
        try:
            async with asyncio.timeout(self._limit_s):
                addresses = await system_addresses(host)
        except (NameNotResolved, TimeoutError):
            raise unknown from None
        return Answer(addresses, asyncio.get_running_loop().time() + SYSTEM_TTL_S)

    async def _ask_dns(self, host: str) -> Answer:
        if self._dns is None:
            raise NameNotResolved(f"{host} not resolved: no nameserver is configured")
        queries = [asyncio.create_task(self._query(self._dns, host, family)) for family in _FAMILIES]
        try:
            async with asyncio.timeout(2 * self._limit_s):
                await _until_enough(queries)
        finally:
            for query in queries:
                query.cancel()
            ends = await asyncio.gather(*queries, return_exceptions=True)
        answers = [end for end in ends if isinstance(end, Answer)]
        addresses = tuple(address for answer in answers for address in answer.addresses)
        if not addresses:
            failures = [end for end in ends if isinstance(end, NameNotResolved)]
            raise failures[0] if failures else NameNotResolved(f"{host} not resolved: it has no address")
        return Answer(addresses, min(answer.expires_at for answer in answers if answer.addresses))

    async def _query(
        self, stub: dns.asyncresolver.Resolver, host: str, family: dns.rdatatype.RdataType
    ) -> Answer:
        """One family's addresses, perhaps none."""
        try:
            found = await stub.resolve(host, family, raise_on_no_answer=False, lifetime=self._limit_s)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise NameNotResolved(f"{host} not resolved: {_reason(error)}") from error
        # Not found.rrset.ttl: an alias on the way may hold for less.
        expires_at = asyncio.get_running_loop().time() + found.chaining_result.minimum_ttl
        return Answer(tuple(record.address for record in found.rrset or ()), expires_at)


class _Asking:
    """A question under way, and how many wait for its answer. They own it: it ends with the last of them."""

    task: asyncio.Task[Answer]
    waiting = 0


async def _until_enough(queries: list[asyncio.Task[Answer]]) -> None:
    """Until all have ended, or one has found addresses and the others had their time."""
    done, pending = await asyncio.wait(queries, return_when=asyncio.FIRST_COMPLETED)
    found = any(query.exception() is None and query.result().addresses for query in done)
    if pending:
        await asyncio.wait(pending, timeout=OTHER_FAMILY_S if found else None)


def _stub(nameservers: list[dns.nameserver.Nameserver]) -> dns.asyncresolver.Resolver | None:
    try:
        stub = dns.asyncresolver.Resolver(configure=not nameservers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if nameservers:
        stub.nameservers = nameservers
    return stub


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    host, _, port = text.rpartition(":")
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    return dns.nameserver.Do53Nameserver(str(address), int(port))


def _reason(error: Exception) -> str:
    match error:
        case dns.resolver.NXDOMAIN():
            return "no such name"
        case dns.resolver.NoNameservers():
            return "every nameserver failed"
        case dns.exception.Timeout():
            return "no nameserver answers"
        case _:
            return "no host name"
