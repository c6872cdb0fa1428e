"""What the tests of the room share: a session brought to where a test begins."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.smpp.cold import build_bind_resp
from bridge.smpp.events import Bound
from bridge.smpp.session import BindMode, EsmeSession, SessionSettings


def _bound(**changes: Any) -> EsmeSession:
    settings = SessionSettings(**{"system_id": "esme", "password": "secret", **changes})
    session = EsmeSession(settings, 0.0)
    session.bind(0.0)
    session.data_to_send()
    answer = build_bind_resp(settings.mode.value, 1, system_id="smsc", interface_version=0x34)
    assert session.receive_data(answer, 0.0) == [Bound("smsc", 0x34)]
    return session


@pytest.fixture
def bound() -> Callable[..., EsmeSession]:
    """Makes a session that bound at instant 0 with these settings; its next sequence number is 2."""
    return _bound


@pytest.fixture
def session() -> EsmeSession:
    """A session bound as transceiver at instant 0, all settings at their defaults."""
    return _bound(mode=BindMode.TRANSCEIVER)
