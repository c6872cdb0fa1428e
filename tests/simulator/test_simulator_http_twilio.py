"""The simulated provider in the manner of Twilio, for those who configure a provider of no known dialect."""

from typing import Any

import httpx
import pytest

from bridge.simulator.http import Attachment, HttpProvider, HttpSite
from bridge.simulator.http.faults import Throttle, Undelivered
from tests.simulator.http_lab import client, door, http_site

FORM = {"To": "+447700900123", "From": "+12025550100", "Body": "hello"}


def twilio(**options: Any) -> HttpProvider:
    """The provider."""
    return HttpProvider(
        style="twilio", login="AC1", password="pw", receipt_delay_s=0.0, again_s=0.01, **options
    )


async def send(sender: httpx.AsyncClient, site: HttpSite, **changes: str) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer."""
    answer = await sender.post(site.url, data=FORM | changes, auth=("AC1", "pw"))
    return answer.status_code, answer.json()


async def test_each_request_is_a_message_with_a_name_of_the_providers() -> None:
    async with http_site(provider=twilio()) as site, client() as sender:
        assert site.url.endswith("/2010-04-01/Accounts/AC1/Messages.json")
        answers = [await send(sender, site) for _ in range(2)]
        assert [request.ident for request in site.provider.taken] == [said["sid"] for _, said in answers]
        (status, said), (_, other) = answers
        assert (status, said["status"], said["error_code"]) == (201, "queued", None)
        assert len(said["sid"]) == 34
        assert said["sid"].startswith("SM")
        assert said["sid"] != other["sid"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"To": "447700900123"}, 21211), ({"To": ""}, 21604), ({"From": ""}, 21603), ({"Body": ""}, 21602)],
)
async def test_what_cannot_be_sent_is_a_400_that_says_why(changes: dict[str, str], code: int) -> None:
    async with http_site(provider=twilio()) as site, client() as sender:
        status, said = await send(sender, site, **changes)
        assert (status, said["code"], said["status"]) == (400, code, 400)
        assert said["message"]
        assert site.provider.requests[0].code == code
        assert site.provider.taken == []


async def test_strangers_wrong_methods_and_haste() -> None:
    async with http_site(Throttle(every=3), provider=twilio()) as site, client() as sender:
        answer = await sender.post(site.url, data=FORM, auth=("AC1", "wrong"))
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
        assert (await sender.get(site.url, auth=("AC1", "pw"))).status_code == 405
        status, said = await send(sender, site)
        assert (status, said["code"]) == (429, 20429)
        assert site.provider.taken == []


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([], {"MessageStatus": "delivered"}),
        ([Undelivered(every=1, code=30003)], {"MessageStatus": "undelivered", "ErrorCode": "30003"}),
    ],
)
async def test_status_callbacks(faults: list[Undelivered], said: dict[str, str]) -> None:
    async with (
        door() as inbox,
        client() as sender,
        http_site(*faults, provider=twilio(callback_urls=[inbox.url])) as site,
    ):
        _, answer = await send(sender, site)
        await inbox.until(1)
        assert inbox.fields == [
            {
                "AccountSid": "AC1",
                "MessageSid": answer["sid"],
                "To": FORM["To"],
                "From": FORM["From"],
            }
            | said
        ]


async def test_texts_from_phones() -> None:
    async with door() as inbox, http_site(provider=twilio(callback_urls=[inbox.url])) as site:
        mo = site.provider.send_mo("hi", source="447700900123", destination="12345")
        await inbox.until(1)
        assert inbox.fields == [
            {
                "AccountSid": "AC1",
                "MessageSid": mo.ident,
                "From": "+447700900123",
                "To": "12345",
                "Body": "hi",
                "NumMedia": "0",
            }
        ]
        with pytest.raises(ValueError, match="attachments"):
            site.provider.send_mo(attachments=[Attachment("image/png", b"")])
