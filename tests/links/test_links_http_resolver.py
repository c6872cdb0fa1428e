"""Names through DNS: how long an answer holds, who shares it, and what is done where DNS knows nothing."""

import asyncio
import math
from collections.abc import AsyncIterator

import dns.rdatatype
import pytest

import bridge.links.http.resolver
from bridge.links.http.errors import NameNotResolved
from bridge.links.http.names import Answer, SystemNames
from bridge.links.http.resolver import LIMIT_S, SYSTEM_TTL_S, Resolver
from tests.links.dns_server import DnsServer, dns_server

HOST = "sms.example"
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        yield server


@pytest.fixture
def resolver(server: DnsServer) -> Resolver:
    return Resolver([server.address])


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """What the system knows: nothing that a test did not tell it."""
    known: dict[str, tuple[str, ...]] = {}

    async def ask(host: str) -> tuple[str, ...]:
        if host not in known:
            raise NameNotResolved(f"{host} not resolved: the system does not know it")
        return known[host]

    monkeypatch.setattr(bridge.links.http.resolver, "system_addresses", ask)
    return known


def left(answer: Answer) -> float:
    """For how long it still holds."""
    return answer.expires_at - asyncio.get_running_loop().time()


async def test_a_before_aaaa(server: DnsServer, resolver: Resolver) -> None:
    server.tell(HOST, "::2", "127.0.0.3", "::1", "127.0.0.1", ttl=60)
    answer = await resolver.resolve(HOST)
    four, six = answer.addresses[:2], answer.addresses[2:]
    assert (set(four), set(six)) == ({"127.0.0.1", "127.0.0.3"}, {"::1", "::2"})
    assert 59 < left(answer) <= 60
    assert sorted(server.queries) == [(HOST, "A"), (HOST, "AAAA")]


async def test_an_answer_holds_for_its_ttl_and_is_not_asked_for_again(
    server: DnsServer, resolver: Resolver
) -> None:
    server.tell(HOST, "127.0.0.1", ttl=60)
    first = await resolver.resolve(HOST)
    server.tell(HOST, "127.0.0.2", ttl=60)
    assert await resolver.resolve(HOST) is first
    assert len(server.queries) == 2


async def test_when_the_ttl_has_passed_it_is_asked_again(server: DnsServer, resolver: Resolver) -> None:
    server.tell(HOST, "127.0.0.1", ttl=1)
    first = await resolver.resolve(HOST)
    server.tell(HOST, "127.0.0.2", ttl=60)
    passed = asyncio.Event()
    asyncio.get_running_loop().call_at(first.expires_at, passed.set)
    await passed.wait()
    assert (await resolver.resolve(HOST)).addresses == ("127.0.0.2",)


async def test_an_expired_answer_is_not_used_when_the_next_cannot_be_had(
    server: DnsServer, resolver: Resolver
) -> None:
    server.tell(HOST, "127.0.0.1", ttl=0)
    await resolver.resolve(HOST)
    server.failing = {A, AAAA}
    with pytest.raises(NameNotResolved, match=r"^sms\.example not resolved: every nameserver failed$"):
        await resolver.resolve(HOST)
    server.failing = set()
    assert (await resolver.resolve(HOST)).addresses == ("127.0.0.1",)


async def test_asked_afresh_it_asks_at_once_and_the_others_get_the_new_answer(
    server: DnsServer, resolver: Resolver
) -> None:
    server.tell(HOST, "127.0.0.1", ttl=60)
    await resolver.resolve(HOST)
    server.tell(HOST, "127.0.0.2", ttl=60)
    fresh = await resolver.resolve(HOST, afresh=True)
    assert fresh.addresses == ("127.0.0.2",)
    assert await resolver.resolve(HOST) is fresh


async def test_of_an_alias_and_its_target_the_shorter_ttl_counts(
    server: DnsServer, resolver: Resolver
) -> None:
    server.alias(HOST, of="alias.example", ttl=300)
    server.alias("alias.example", of="target.example", ttl=20)
    server.tell("target.example", "127.0.0.1", "::1", ttl=100)
    answer = await resolver.resolve(HOST)
    assert answer.addresses == ("127.0.0.1", "::1")
    assert 19 < left(answer) <= 20


async def test_the_absence_of_one_family_says_nothing_of_the_other(
    server: DnsServer, resolver: Resolver
) -> None:
    """A missing AAAA comes with a time of its own, at most 5 s here."""
    server.tell(HOST, "127.0.0.1", ttl=600)
    assert left(await resolver.resolve(HOST)) > 500


@pytest.mark.parametrize(("family", "addresses"), [(A, ("::1",)), (AAAA, ("127.0.0.1",))])
async def test_one_family_is_enough_when_the_other_fails_or_is_never_answered(
    server: DnsServer, resolver: Resolver, family: dns.rdatatype.RdataType, addresses: tuple[str, ...]
) -> None:
    server.tell(HOST, "127.0.0.1", "::1", ttl=0)
    server.failing = {family}
    assert (await resolver.resolve(HOST)).addresses == addresses
    server.failing, server.silent = set(), {family}
    async with asyncio.timeout(LIMIT_S / 2):
        assert (await resolver.resolve(HOST)).addresses == addresses


async def test_those_who_ask_at_once_share_a_query_even_with_ttl_0(
    server: DnsServer, resolver: Resolver
) -> None:
    server.tell(HOST, "127.0.0.1", ttl=0)
    server.speaking.clear()
    asking = [asyncio.create_task(resolver.resolve(HOST, afresh=number > 5)) for number in range(10)]
    await server.asked(2)
    server.speaking.set()
    answers = await asyncio.gather(*asking)
    assert len({id(answer) for answer in answers}) == 1
    assert len(server.queries) == 2
    assert left(answers[0]) <= 0
    await resolver.resolve(HOST)
    assert len(server.queries) == 4


async def test_one_who_gives_up_takes_nothing_from_the_others_and_the_last_ends_the_query(
    server: DnsServer, resolver: Resolver
) -> None:
    server.tell(HOST, "127.0.0.1", ttl=60)
    server.speaking.clear()
    one, other = (asyncio.create_task(resolver.resolve(HOST)) for _ in range(2))
    await server.asked(2)
    one.cancel()
    await asyncio.wait([one])
    server.speaking.set()
    assert (await other).addresses == ("127.0.0.1",)
    server.speaking.clear()
    last = asyncio.create_task(resolver.resolve(HOST, afresh=True))
    await server.asked(4)
    last.cancel()
    await asyncio.wait([last])
    async with asyncio.timeout(LIMIT_S / 2):
        while queries := [task for task in asyncio.all_tasks() if task.get_name().startswith("resolve")]:
            await asyncio.wait(queries)
    server.speaking.set()
    assert (await resolver.resolve(HOST)).addresses == ("127.0.0.1",)


async def test_a_long_answer_comes_over_tcp(server: DnsServer, resolver: Resolver) -> None:
    server.truncating = True
    many = {f"127.0.1.{number}" for number in range(200)}
    server.tell(HOST, *many, ttl=60)
    assert set((await resolver.resolve(HOST)).addresses) == many


async def test_a_silent_nameserver_is_not_the_only_one(server: DnsServer) -> None:
    server.tell(HOST, "127.0.0.1", ttl=60)
    async with dns_server() as mute:
        mute.silent = {A, AAAA}
        answer = await Resolver([mute.address, server.address]).resolve(HOST)
    assert answer.addresses == ("127.0.0.1",)


async def test_what_dns_does_not_know_the_system_may(
    server: DnsServer, resolver: Resolver, system: dict[str, tuple[str, ...]]
) -> None:
    system["localhost"] = ("127.0.0.1", "::1")
    answer = await resolver.resolve("localhost")
    assert answer.addresses == ("127.0.0.1", "::1")
    assert SYSTEM_TTL_S - 1 < left(answer) <= SYSTEM_TTL_S
    assert await resolver.resolve("localhost") is answer
    assert len(server.queries) == 2


async def test_the_systems_own_configuration_and_knowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert "127.0.0.1" in (await SystemNames().resolve("localhost")).addresses
    assert math.isinf((await SystemNames().resolve("localhost")).expires_at)
    with pytest.raises(NameNotResolved, match="no host name"):
        await SystemNames().resolve("a" * 64)
    without_nameservers = Resolver()
    without_nameservers._dns = None
    assert "127.0.0.1" in (await without_nameservers.resolve("localhost")).addresses


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("unknown.example", "no such name"),
        ("empty.example", "it has no address"),
        ("a..example", "no host name"),
        ("a" * 64 + ".example", "no host name"),
    ],
)
async def test_a_name_nobody_knows_is_an_error_of_one_line_and_asked_again(
    server: DnsServer, resolver: Resolver, host: str, reason: str
) -> None:
    server.tell("empty.example", ttl=60)
    for _ in range(2):
        with pytest.raises(NameNotResolved) as raised:
            await resolver.resolve(host)
        assert str(raised.value) == f"{host} not resolved: {reason}"
    assert len(server.queries) in (0, 4)


async def test_silence_has_an_end(server: DnsServer) -> None:
    server.silent = {A, AAAA}
    with pytest.raises(NameNotResolved, match="no nameserver answers"):
        await Resolver([server.address], limit_s=0.2).resolve(HOST)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_needs_no_query_and_never_expires(
    server: DnsServer, resolver: Resolver, host: str
) -> None:
    assert await resolver.resolve(host, afresh=True) == Answer((host,), math.inf)
    assert not server.queries


@pytest.mark.parametrize("text", ["ns.example:53", "127.0.0.1", "127.0.0.1:dns"])
def test_a_nameserver_is_an_address_and_a_port(text: str) -> None:
    with pytest.raises(ValueError):
        Resolver([text])
    Resolver(["[::1]:53", "127.0.0.1:53"])
