"""Whatever comes in, the simulated HTTP provider reads it or says why not; it never fails."""

import asyncio
import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator.http import HttpBehaviour, HttpProvider, HttpSite
from bridge.simulator.http.connection import HttpConnection
from bridge.simulator.http.faults import HTTP_FAULTS, Status
from bridge.simulator.http.form import BadForm, read_attachments, read_fields
from bridge.simulator.http.genesys import GenesysStyle
from bridge.simulator.http.records import Asked
from bridge.simulator.http.style import Account, Style
from bridge.simulator.http.twilio import TwilioStyle

ACCOUNT = Account("me", "pw")
BASIC = f"Basic {base64.b64encode(b'me:pw').decode()}"
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/form-data; boundary=\xe9",
    "application/json",
    "",
]
ASKED = st.builds(
    Asked,
    method=st.sampled_from(["GET", "POST"]),
    query=st.text(st.characters(max_codepoint=255)),
    content_type=st.one_of(st.sampled_from(CONTENT_TYPES), st.text(st.characters(max_codepoint=255))),
    authorization=st.sampled_from([BASIC, "", "Basic ?"]),
    body=st.one_of(
        st.binary(),
        st.builds(
            lambda name, value: (
                b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--x--' % (name, value)
            ),
            st.binary(),
            st.binary(),
        ),
    ),
)


@pytest.mark.parametrize("style", [GenesysStyle(ACCOUNT), TwilioStyle(ACCOUNT)])
@given(asked=ASKED)
def test_reading_never_fails_and_takes_nothing_by_chance(style: Style, asked: Asked) -> None:
    assert style.read(asked, 1).code != 0


@given(asked=ASKED)
def test_fields_are_read_or_refused(asked: Asked) -> None:
    try:
        fields = read_fields(asked)
    except BadForm:
        return
    assert all(isinstance(part, str) for pair in fields.items() for part in pair)


@given(
    st.dictionaries(
        st.one_of(
            st.text(),
            st.from_regex(r"mms_attachment(\[\d\]|\d)\.(content_type|content)", fullmatch=True),
        ),
        st.one_of(st.text(), st.just("AAAA")),
    )
)
def test_attachments_are_read_or_refused(fields: dict[str, str]) -> None:
    try:
        attachments = read_attachments(fields)
    except BadForm:
        return
    assert len(attachments) * 2 <= len(fields)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_arrives_in_whatever_form(text: str) -> None:
    query = Asked(method="GET", query=f"message={quote(text)}")
    form = Asked(method="POST", content_type=CONTENT_TYPES[0], body=f"message={quote(text)}".encode())
    parts = Asked(
        method="POST",
        content_type=CONTENT_TYPES[1].replace("=x", "=no-text-holds-this"),
        body=b'--no-text-holds-this\r\nContent-Disposition: form-data; name="message"\r\n\r\n'
        + text.encode()
        + b"\r\n--no-text-holds-this--\r\n",
    )
    assert [read_fields(asked) for asked in (query, form, parts)] == [{"message": text}] * 3


class Wire(asyncio.Transport):
    """The other end of a connection that nobody made: what the site writes, and whether it hung up."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


REQUESTS = st.builds(
    lambda method, path, headers, body: (
        b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (method, path, headers, body)
    ),
    st.sampled_from([b"POST", b"GET", b"HEAD", b"PUT", b"CONNECT", b"OPTIONS"]),
    st.sampled_from([b"/httpapi/receiver", b"/httpapi/receiver?a=%ff", b"/", b"*", b"x:80", b"http://x/"]),
    st.sampled_from(
        [
            b"",
            b"Content-Length: 3\r\n",
            b"Content-Length: x\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Upgrade: websocket\r\nConnection: upgrade\r\n",
            b"Expect: 100-continue\r\nContent-Length: 1\r\n",
            b"Connection: close\r\n",
        ]
    ),
    st.sampled_from([b"", b"a=1", b"3\r\na=1\r\n0\r\n\r\n", b"\xff\r\n"]),
)
STREAMS = st.lists(st.one_of(REQUESTS, st.binary(max_size=50)), max_size=4).map(b"".join)
MISBEHAVIOURS: list[type[HttpBehaviour]] = [
    HttpBehaviour,
    *(kind for name, kind in HTTP_FAULTS.items() if name not in ("slow", "late")),
]


@given(stream=STREAMS, size=st.integers(1, 200), kind=st.sampled_from(MISBEHAVIOURS))
def test_no_octets_disturb_a_site(stream: bytes, size: int, kind: type[HttpBehaviour]) -> None:
    async def feed() -> Wire:
        provider = HttpProvider()
        connection, wire = HttpConnection(HttpSite(provider, faults=[kind()])), Wire()
        connection.connection_made(wire)
        for at in range(0, len(stream), size):
            if wire.closed:
                break
            connection.data_received(stream[at : at + size])
        await provider.close()
        return wire

    wire = asyncio.run(feed())
    assert wire.closed
    if kind in (HttpBehaviour, Status):
        assert not wire.written or wire.written.startswith(b"HTTP/1.1 ")
