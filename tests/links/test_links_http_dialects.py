"""From the settings of a provider to the dialect that speaks for it: everything set arrives there."""

from typing import Any

import pytest

from bridge.config.settings import ProviderSettings
from bridge.dialects.generic_http import GenericHttp
from bridge.dialects.genesys_http import GenesysHttp
from bridge.dialects.http import BadCallback
from bridge.links.http_dialects import http_dialect
from bridge.model.web import Callback

LOGIN: dict[str, Any] = {"login": "me", "password": "secret"}
SITES = {"a": {"http": "https://sms.example.com", "smsc": "h:1"}}


def test_genesys_has_its_account_and_its_final_states() -> None:
    smpp = {"system_id": "me", "password": "x", "final_states": ["accepted"]}
    http = {**LOGIN, "mms_names": "plain"}
    provider = {"dialect": "genesys", "http": http, "smpp": smpp, "sites": SITES}
    dialect = http_dialect(ProviderSettings.model_validate(provider))
    assert isinstance(dialect, GenesysHttp)
    assert (dialect.login, dialect.password, dialect.mms_names) == ("me", "secret", "plain")
    assert dialect.final_states == {"accepted"}


def test_genesys_without_smpp_has_the_usual_final_states() -> None:
    provider = {"dialect": "genesys", "http": LOGIN, "sites": {"a": {"http": "https://sms.example.com"}}}
    dialect = http_dialect(ProviderSettings.model_validate(provider))
    assert isinstance(dialect, GenesysHttp)
    assert dialect.final_states == frozenset()


def generic(**http: Any) -> GenericHttp:
    provider = {"dialect": "generic-http", "http": http, "sites": {"a": {"http": "https://sms.example.com"}}}
    dialect = http_dialect(ProviderSettings.model_validate(provider))
    assert isinstance(dialect, GenericHttp)
    return dialect


REQUEST = {"fields": {"to": "{to}", "text": "{text}"}}


def test_a_described_provider_has_everything_that_was_said() -> None:
    request = {
        **REQUEST,
        "method": "PUT",
        "path": "/x",
        "headers": {"X": "y"},
        "auth": "bearer",
        "format": "json",
    }
    answer = {"accepted": [202], "format": "text", "id": "body", "result": "r", "results": {"1": "retry"}}
    receipt = {"when": "a", "id": "b", "state": "c", "states": {"d": "delivered"}, "error": "e"}
    receipt |= {"from": "f", "to": "g", "done_at": "h"}
    message = {"when": {"i": "j"}, "id": "k", "from": "l", "to": "m", "text": "n"}
    dialect = generic(
        **LOGIN,
        request=request,
        answer={**answer, "statuses": {409: "duplicate"}, "error": "z"},
        callback={"receipt": receipt, "message": message},
    )
    said = dialect.request
    assert (said.method, said.auth, said.format, said.login, said.password) == (
        "PUT",
        "bearer",
        "json",
        "me",
        "secret",
    )
    assert (said.path.literals, said.headers["X"].literals, set(said.fields)) == (
        ("/x",),
        ("y",),
        {"to", "text"},
    )
    read = dialect.answer
    assert read.accepted == {202}
    assert (read.format, read.id, read.result) == ("text", "body", "r")
    assert (read.results, read.statuses, read.error) == ({"1": "retry"}, {409: "duplicate"}, "z")
    dr, mo = dialect.callback.receipt, dialect.callback.message
    assert dr is not None
    assert mo is not None
    assert (dr.when, dr.id, dr.state, dr.states) == ((("a", None),), "b", "c", {"d": "delivered"})
    assert (dr.error, dr.from_, dr.to, dr.done_at) == ("e", "f", "g", "h")
    assert (mo.when, mo.id, mo.from_, mo.to, mo.text) == ((("i", "j"),), "k", "l", "m", "n")


def test_a_described_provider_may_say_little() -> None:
    dialect = generic(request=REQUEST)
    assert (dialect.request.login, dialect.request.password, dialect.answer.accepted) == ("", "", frozenset())
    with pytest.raises(BadCallback):
        dialect.read_callback(Callback(fields={}))
    half = generic(request=REQUEST, callback={"message": {"when": "a", "from": "b", "to": "c", "text": "d"}})
    assert half.callback.receipt is None
    half = generic(
        request=REQUEST,
        callback={"receipt": {"when": "a", "id": "b", "state": "c", "states": {"d": "expired"}}},
    )
    assert half.callback.message is None
