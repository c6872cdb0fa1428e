"""What a bench tells the worker: configurations that are right, and a site whose forms the worker's dialect reads."""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from bridge.config.load import load_config
from bridge.links.http_dialects import http_dialect
from bridge.model.inbound import Dr, Mo
from bridge.model.mt import Mt
from bridge.model.web import Callback, HttpRequest
from bridge.outbound.body import read_mt
from bridge.proof.bench_board import Board
from bridge.proof.bench_messages import PROVIDER, SENDER, handset, mt_body, row_of
from bridge.proof.bench_setting import MOST_IN_FLIGHT, Setting, route_names
from bridge.proof.bench_site import BenchSite
from bridge.proof.bench_smsc import HOLD_S
from bridge.proof.bench_stage import Ground, RedisMemory, server_session
from bridge.proof.ensure import Servers

SERVERS = Servers("amqp://guest:guest@localhost:1/", "redis://localhost:2/0", None, None)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground.prepare(SERVERS, Setting(), tmp_path)


def test_both_configurations_are_right_and_have_the_window_of_the_bare_loop(ground: Ground) -> None:
    over_smpp = load_config(ground.config("smpp"), {}).settings
    over_http = load_config(ground.config("http"), {}).settings
    smpp = over_smpp.providers[PROVIDER].smpp
    http = over_http.providers[PROVIDER].http
    assert smpp is not None
    assert http is not None
    assert (smpp.binds_per_node * smpp.window, http.window) == (100, 100)
    for settings in (over_smpp, over_http):
        assert settings.broker.prefix == settings.redis.prefix == ground.stage.names.prefix
        assert settings.callbacks is not None
        assert settings.callbacks.listen.port == ground.callback_port
    assert ground.stage.names.prefix.startswith("bench-"), "these servers are somebody else's too"


def test_a_setting_is_what_the_worker_is_told(tmp_path: Path) -> None:
    many = Setting.with_in_flight(10_000)
    ground = Ground.prepare(SERVERS, Setting(binds=64, routes=3), tmp_path, many)
    for kind, binds, routes in (("smpp", 64, 3), ("in-flight", 10, 5), ("http", None, 3)):
        settings = load_config(tmp_path / f"{kind}.yaml", {}).settings
        assert list(settings.routes) == list(route_names(routes))
        smpp = settings.providers[PROVIDER].smpp
        assert (smpp and smpp.binds_per_node) == binds
        if smpp is not None:
            assert smpp.binds_per_node * smpp.window >= (10_000 if kind == "in-flight" else 100)
            assert (smpp.response_timeout_seconds > HOLD_S) is (kind == "in-flight")
    assert list(ground.stage.routes) == list(route_names(5)), "all that are to be made, and removed"


def test_as_many_as_may_be_asked_for_can_be_in_flight() -> None:
    many = Setting.with_in_flight(MOST_IN_FLIGHT)
    assert (many.binds, many.window_of_a_bind) == (64, 1000)
    assert Setting.with_in_flight(1) == Setting(binds=1, window=1)


async def test_the_worker_and_the_site_understand_each_other(ground: Ground, tmp_path: Path) -> None:
    provider = load_config(ground.config("http"), {}).settings.providers[PROVIDER]
    dialect = http_dialect(provider)
    assert dialect is not None
    mt = read_mt(mt_body("t", 1), None, 10_000)
    assert isinstance(mt, Mt)
    request = dialect.write(mt, "key", SENDER)
    assert isinstance(request, HttpRequest)
    assert row_of(request.body, 0, len(request.body)) == 1

    board = Board.create(tmp_path / "some", 2)
    site = BenchSite(board, 1, "77", mos=False)
    site.take(1, request.ident.encode())
    receipt = dialect.read_callback(callback(site.call(1)))
    assert isinstance(receipt, Dr)
    assert (receipt.ids, receipt.state, receipt.final) == ((request.ident,), "delivered", True)
    mo = dialect.read_callback(callback(BenchSite(board, 1, "77", mos=True).call(1)))
    assert isinstance(mo, Mo)
    assert (mo.from_, mo.to) == (handset(1).decode(), SENDER)


def callback(request: bytes) -> Callback:
    """As the door reads it."""
    form = request.partition(b"\r\n\r\n")[2].decode()
    return Callback(fields=dict(parse_qsl(form)))


def test_a_server_elsewhere_has_no_cpu_that_could_be_seen() -> None:
    assert server_session("amqp://guest@rabbit.example.com/") is None
    assert server_session("redis://127.0.0.1:1/0") is None


def test_what_redis_keeps_is_not_known_where_it_lost_some_by_itself() -> None:
    before = RedisMemory(octets=400, expired=7)
    assert RedisMemory(octets=1000, expired=7).since(before) == 600
    assert RedisMemory(octets=1000, expired=8).since(before) is None
