"""What is written and read without h11 is what h11 would have written and read; all else is left to it."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.links.http.ordinary import HAVE_A_BODY, Writer, read_answer
from bridge.links.http.origin import read_origin
from bridge.model.web import HttpAnswer, HttpRequest

ORIGIN = read_origin("https://us:pass@sms.example/api?a=b")
FORM = ("Content-Type", "application/x-www-form-urlencoded")

WORDS = st.sampled_from(["", "X-Id", "Connection", "close", "a b", " a", "a ", "é", "\r\n", "\0", "Host"])
NAMES = WORDS | st.text(max_size=5)
HEADERS = st.lists(st.tuples(NAMES, NAMES), max_size=3).map(tuple)
REQUESTS = st.builds(
    HttpRequest,
    ident=st.just("1"),
    method=st.sampled_from(["POST", "PUT", "PATCH", "GET", "HEAD", "CONNECT", "post", "P T"]),
    target=st.sampled_from(["", "/x", "&c=d", "?é", "? ", "\r\n"]) | st.text(max_size=5),
    headers=st.just((FORM,)) | HEADERS,
    body=st.binary(max_size=5),
)


def by_h11(request: HttpRequest) -> bytes | None:
    """What h11 writes; None where it refuses."""
    headers = [*ORIGIN.headers, *request.headers]
    if request.body or request.method in HAVE_A_BODY:
        headers.append(("Content-Length", str(len(request.body))))
    http = h11.Connection(h11.CLIENT)
    try:
        head = h11.Request(method=request.method, target=ORIGIN.target_of(request), headers=headers)
        events = (head, h11.Data(data=request.body), h11.EndOfMessage())
        return b"".join(http.send(event) or b"" for event in events)
    except (h11.LocalProtocolError, UnicodeError):
        return None


@given(REQUESTS)
@example(HttpRequest(ident="1", headers=(FORM,), body=b"message=hi"))
@example(HttpRequest(ident="1", method="GET", target="&c=d"))
def test_what_is_written_is_what_h11_writes(request_: HttpRequest) -> None:
    writer = Writer(ORIGIN)
    for _ in range(2):  # the head is remembered
        written = writer.write(request_)
        assert written is None or written == by_h11(request_)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("headers", [(), (FORM,), (("X-Id", "1 2"), ("Authorization", "Bearer x"))])
def test_what_is_usual_is_ordinary(method: str, headers: tuple[tuple[str, str], ...]) -> None:
    body = b"" if method == "GET" else b"message=hi"
    assert Writer(ORIGIN).write(
        HttpRequest(ident="1", method=method, target="&c=%20d", headers=headers, body=body)
    )


@pytest.mark.parametrize(
    "header",
    [("Connection", "close"), ("Content-Length", "3"), ("transfer-encoding", "chunked"), ("Expect", "x")],
)
def test_what_says_something_of_the_connection_is_not(header: tuple[str, str]) -> None:
    assert Writer(ORIGIN).write(HttpRequest(ident="1", headers=(header,), body=b"abc")) is None


def test_of_many_different_heads_not_all_are_remembered() -> None:
    writer = Writer(ORIGIN)
    for number in range(1000):
        request = HttpRequest(ident="1", headers=(("X-Id", str(number)),))
        assert writer.write(request) == by_h11(request)
    assert len(writer._heads) < 100


# answers

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nresult=0"
USUAL_LINES = st.sampled_from(
    [b"Server: x y", b"X: \t", b"X:", b"Connection: close", b"Connection: keep-alive", b"connection:CLOSE "]
)
STRANGE_LINES = st.sampled_from(
    [
        *(b"Content-Length: 3, 3", b"Content-Length: -3", b"Content-Length : 3", b"Content-Length: +3"),
        *(
            b"Content-Length: \xb2",
            b"Content-Length: " + b"0" * 30 + b"3",
            b"Content-Length:",
            b"Content-Length: 3",
        ),
        *(b"Transfer-Encoding: chunked", b"transfer-encoding: identity", b"Trailer: x", b"Upgrade: x"),
        *(b"Connection: x, close", b"Connection:", b"Connection: keep-alive, x", b"X: \xff", b"X: \x01"),
        *(b" folded", b"X", b": x", b"X :y", b"X:\0", b"", b"X: a\rb", b"X: a\nb"),
    ]
)
USUAL_STATUSES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 404 Not\tFound"]
)
STRANGE_STATUSES = st.sampled_from(
    [
        *(
            b"HTTP/1.0 200 OK",
            b"HTTP/1.1 204 No",
            b"HTTP/1.1 304 X",
            b"HTTP/1.1 302 X",
            b"HTTP/1.1 100 Go on",
        ),
        *(
            b"HTTP/1.1 99 X",
            b"HTTP/1.1 2000 X",
            b"HTTP/1.1  200 X",
            b"HTTP/1.1 200OK",
            b"HTTP/2 200 OK",
            b"200 OK",
        ),
    ]
)
LENGTHS = st.sampled_from([b"Content-Length: %d", b"content-length:%d", b"CONTENT-LENGTH:\t0%d "])
BODIES = st.sampled_from([b"abc", b"", b"abc\r\n", b"3\r\nabc\r\n0\r\n\r\n"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Ordinary, but for what is strange in one of two."""
    strange = draw(st.booleans())
    body = draw(BODIES)
    lines = [draw(LENGTHS) % len(body), *draw(st.lists(USUAL_LINES, max_size=2, unique=True))]
    if strange:
        lines += draw(st.lists(STRANGE_LINES, max_size=2))
    lines = draw(st.permutations(lines))
    status = draw(STRANGE_STATUSES if strange and draw(st.booleans()) else USUAL_STATUSES)
    end = b"\n" if strange and draw(st.booleans()) else b"\r\n"
    more = draw(st.sampled_from([b"", b"x", ANSWER])) if strange else b""
    return b"".join(line + end for line in (status, *lines, b"")) + body + more


def read_by_h11(octets: bytes) -> tuple[HttpAnswer, bool] | None:
    """The whole answer in these octets, as it follows a POST, and whether its connection may carry another."""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="POST", target="/", headers=[("Host", "h"), ("Content-Length", "0")]))
    http.send(h11.EndOfMessage())
    http.receive_data(octets)
    status, body = 0, b""
    try:
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return None
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        return None
    kept = http.our_state is h11.DONE and http.their_state is h11.DONE and not http.trailing_data[0]
    return HttpAnswer(status=status, body=body), kept


@given(answers())
@example(ANSWER)
def test_what_is_read_is_what_h11_reads(octets: bytes) -> None:
    found = read_answer(octets)
    assert found is None or found == read_by_h11(octets)


@given(st.integers(0, len(ANSWER) - 1), st.binary(max_size=3))
def test_whatever_one_damages(place: int, said: bytes) -> None:
    octets = ANSWER[:place] + said + ANSWER[place + 1 :]
    found = read_answer(octets)
    assert found is None or found == read_by_h11(octets)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (ANSWER, (HttpAnswer(status=200, body=b"result=0"), True)),
        (b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", (HttpAnswer(status=500), True)),
        (
            b"HTTP/1.1 429 Too Many\r\nDate: x\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nno",
            (HttpAnswer(status=429, body=b"no"), False),
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nServer: nginx/1.2 (x)\r\n\r\nok",
            (HttpAnswer(status=200, body=b"ok"), True),
        ),
    ],
)
def test_what_is_usual_is_read(octets: bytes, expected: tuple[HttpAnswer, bool]) -> None:
    assert read_answer(octets) == expected
    assert read_by_h11(octets) == expected
    assert read_answer(octets[:-1]) is None
    assert read_answer(octets + b"x") is None


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 302 Elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nto the end",
    ],
)
def test_what_could_be_read_in_two_ways_is_left_to_h11(octets: bytes) -> None:
    assert read_answer(octets) is None
