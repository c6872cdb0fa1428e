"""Each misbehaviour of HTTP sites misbehaves as its docstring says, and by its name."""

import asyncio
import re

import httpx
import pytest

from bridge.simulator.http import HttpBehaviour, HttpProvider, HttpSite, faults
from bridge.simulator.http.faults import HTTP_FAULTS, HttpFault
from bridge.simulator.naming import UnknownFault
from tests.simulator.http_lab import FORM, client, code_of, door, http_site, passed


async def codes(sender: httpx.AsyncClient, site: HttpSite, count: int) -> list[int]:
    """The codes of so many messages, one after another."""
    return [await code_of(sender, site, message_id=f"m{number}") for number in range(count)]


async def post_in_vain(site: HttpSite) -> asyncio.Task[httpx.Response]:
    """Posts a message that the site judged and has not answered."""
    before = len(site.provider.requests)

    async def post() -> httpx.Response:
        async with client() as sender:
            return await sender.post(site.url, data=FORM)

    task = asyncio.create_task(post())
    await site.provider.until(lambda: len(site.provider.requests) > before)
    return task


async def give_up(task: asyncio.Task[httpx.Response]) -> None:
    """The client has waited long enough."""
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))


async def test_slow_takes_at_once_and_answers_later() -> None:
    async with http_site(faults.Slow(seconds=0.05)) as site:
        task = await post_in_vain(site)
        (request,) = site.provider.requests
        assert (request.taken, request.code, request.status, task.done()) == (True, None, None, False)
        assert (await task).text == "Result=0"
        assert (request.code, request.status) == (0, 200)


async def test_late_answers_every_nth_to_nobody_who_is_gone() -> None:
    async with http_site(faults.Late(seconds=0.05, every=2)) as site, client() as sender:
        assert await code_of(sender, site, message_id="m0") == 0
        task = await post_in_vain(site)
        await give_up(task)
        await site.provider.until(lambda: len(site.connections) == 1)
        await passed(site.provider, 0.05)
        assert [(r.taken, r.status) for r in site.provider.requests] == [(True, 200), (True, None)]
        assert await code_of(sender, site) == 7


@pytest.mark.parametrize("taken", [True, False])
async def test_hang_never_answers_but_holds_the_line(taken: bool) -> None:
    async with http_site(faults.Hang(taken=taken)) as site, client() as sender:
        task = await post_in_vain(site)
        await passed(site.provider, 0.01)
        await give_up(task)
        (request,) = site.provider.requests
        assert (request.taken, request.code, request.status) == (taken, None, None)
        assert site.provider.stats()["requests"]["unanswered"] == 1
        site.behave()
        assert await code_of(sender, site) == (7 if taken else 0)


@pytest.mark.parametrize("taken", [True, False])
async def test_cut_hangs_up_instead_of_answering(taken: bool) -> None:
    async with http_site(faults.Cut(every=2, taken=taken)) as site, client() as sender:
        assert await code_of(sender, site, message_id="m0") == 0
        with pytest.raises(httpx.TransportError):
            await sender.post(site.url, data=FORM)
        assert [(r.taken, r.status) for r in site.provider.requests] == [(True, 200), (taken, None)]
        assert await code_of(sender, site) == (7 if taken else 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [(faults.CutBody(every=1), "closed"), (faults.Garbage(every=1), "illegal")],
)
async def test_an_answer_that_cannot_be_read_hides_that_the_message_was_taken(
    fault: HttpBehaviour, error: str
) -> None:
    async with http_site(fault) as site, client() as sender:
        with pytest.raises(httpx.RemoteProtocolError, match=error):
            await sender.post(site.url, data=FORM)
        (request,) = site.provider.taken
        assert (request.code, request.status) == (None, None)
        site.behave()
        assert await code_of(sender, site) == 7


async def test_a_page_is_an_answer_that_says_nothing() -> None:
    async with http_site(faults.Garbage(kind="page", every=1)) as site, client() as sender:
        answer = await sender.post(site.url, data=FORM)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
        assert "=" not in answer.text
        (request,) = site.provider.taken
        assert (request.code, request.status) == (None, 200)


async def test_drip_comes_octet_by_octet_and_whole() -> None:
    async with http_site(faults.Drip(seconds=0.001)) as site, client() as sender:
        assert await codes(sender, site, 2) == [0, 0]
        reader, writer = await asyncio.open_connection(site.host, site.port)
        writer.write(b"HEAD /httpapi/receiver HTTP/1.0\r\n\r\n")
        assert await reader.read(100) == b"H"
        assert (await reader.read()).endswith(b"\r\n\r\n")
        writer.close()


@pytest.mark.parametrize("status", [204, 301, 404, 429, 500, 503])
@pytest.mark.parametrize("taken", [True, False])
async def test_a_status_is_no_word_on_the_message(status: int, taken: bool) -> None:
    async with http_site(faults.Status(code=status, taken=taken)) as site, client() as sender:
        assert (await sender.post(site.url, data=FORM)).status_code == status
        (request,) = site.provider.requests
        assert (request.taken, request.code, request.status) == (taken, None, status)
        site.behave()
        assert await code_of(sender, site) == (7 if taken else 0)


async def test_a_redirect_says_where_and_takes_nothing() -> None:
    async with http_site(faults.Redirect(to="http://127.0.0.1:9/x")) as site, client() as sender:
        answer = await sender.post(site.url, data=FORM)
        assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:9/x")
        assert site.provider.taken == []


@pytest.mark.parametrize(
    ("fault", "code"), [(faults.Throttle(every=3), 6), (faults.Code(every=3), 98), (faults.Code(5, 3), 5)]
)
async def test_every_nth_is_refused_and_may_come_again(fault: HttpBehaviour, code: int) -> None:
    async with http_site(fault) as site, client() as sender:
        assert await codes(sender, site, 3) == [0, 0, code]
        assert await code_of(sender, site, message_id="m2") == 0
        assert site.provider.stats()["requests"]["refused"] == 1


async def test_a_head_meets_only_what_always_happens() -> None:
    async with http_site(faults.Status(code=503)) as site, client() as sender:
        assert (await sender.head(site.url)).status_code == 503
        site.behave(faults.Status(code=503, every=2))
        assert [(await sender.head(site.url)).status_code for _ in range(3)] == [200] * 3
        site.behave(faults.Throttle(every=1))
        assert (await sender.head(site.url)).status_code == 200
        assert site.provider.requests == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.AcceptedFirst(seconds=0.02), [("6", "0"), ("2", "0")]),
        (faults.Undelivered(every=1), [("5", "1")]),
        (faults.Undelivered(every=1, state=8, code=4), [("8", "4")]),
        (faults.Undelivered(every=2), [("2", "0")]),
    ],
)
async def test_what_receipts_say(fault: HttpBehaviour, said: list[tuple[str, str]]) -> None:
    async with door() as inbox, http_site(fault, callback_urls=[inbox.url]) as site, client() as sender:
        await code_of(sender, site, receipt="TRUE")
        await inbox.until(len(said))
        assert [(call["message_state"], call["result_code"]) for call in inbox.fields] == said


async def test_callbacks_twice_sends_every_nth_once_more() -> None:
    async with (
        door() as inbox,
        http_site(faults.CallbacksTwice(every=2), callback_urls=[inbox.url]) as site,
    ):
        for number in range(4):
            site.provider.send_mo(ident=f"mo-{number}")
        await inbox.until(6)
        await site.provider.until(lambda: site.provider.outbox.counts.ok == 6)
        idents = [call["message_id"] for call in inbox.fields]
        assert sorted(idents.count(f"mo-{number}") for number in range(4)) == [1, 1, 2, 2]


@pytest.mark.parametrize("name", HTTP_FAULTS)
def test_every_http_fault_can_be_had_by_its_name_alone_and_is_described(name: str) -> None:
    fault = HttpFault.read(name)
    assert type(fault.build()) is HTTP_FAULTS[name]
    assert fault.build() is not fault.build()
    assert re.search(rf"^  {name}(:.*)?\n      \S.*\.$", HttpFault.describe(), re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("black-hole", "no fault 'black-hole'; there are: slow, late, "),
        ("hang:every=0", "hang: every: must be at least 1"),
        ("callbacks-twice:every=0", "callbacks-twice: every: must be at least 1"),
        ("hang:taken=maybe", "hang: taken must be like yes, not 'maybe'"),
        ("status:code=99", "status: code: must be from 200 to 599"),
        ("status:code=x", "status: code must be like 500, not 'x'"),
        ("garbage:kind=nice", "garbage: kind: must be octets or page"),
        ("undelivered:state=9", "undelivered: state: must be from 1 to 8"),
        ("redirect:to=a b", "redirect: to: must be a URL"),
    ],
)
def test_what_is_wrong_with_an_http_fault_is_named(text: str, message: str) -> None:
    with pytest.raises(UnknownFault, match=re.escape(message)):
        HttpFault.read(text)


def test_a_url_is_a_parameter() -> None:
    fault = HttpFault.read("redirect:to=http://127.0.0.1:9/x?y=1,every=2@dc3")
    assert fault.parameters == {"to": "http://127.0.0.1:9/x?y=1", "every": 2}
    assert fault.where == "dc3"


async def test_a_provider_that_owes_too_much_takes_no_more() -> None:
    async with http_site(provider=HttpProvider(backlog=1)) as site, client() as sender:
        assert await codes(sender, site, 2) == [0, 0]
        assert await code_of(sender, site, receipt="TRUE", message_id="a") == 0
        assert await code_of(sender, site, receipt="TRUE", message_id="b") == 6
