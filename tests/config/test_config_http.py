"""The HTTP account and the description of any HTTP API: what is read from the file, and what is wrong with its line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.config.load import ConfigError, load_config
from bridge.config.settings import HostPort, HttpSettings, RequestSettings
from bridge.model.template import Template

SECRET = "s3cr3t{P}"
GENERIC = """\
providers:
  one:
    dialect: generic-http
    http:
      login: me
      password: ${PW}
      request: {fields: {to: "{to}", text: "{text}"}}
    sites: {here: {http: "https://sms.example.com"}}
routes:
  default: {providers: [one], from: "1"}
"""
GENESYS = """\
providers:
  one:
    dialect: genesys
    http: {login: me, password: x}
    sites: {here: {http: "https://sms.example.com"}}
routes:
  default: {providers: [one], from: "1"}
"""
REQUEST = 'request: {fields: {to: "{to}", text: "{text}"}}'

Load = Callable[[str], HttpSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_text(text: str) -> HttpSettings:
        path = tmp_path / "bridge.yaml"
        path.write_text(text)
        http = load_config(path, {"PW": SECRET, "CALLBACK": "c"}).settings.providers["one"].http
        assert http is not None
        return http

    return load_text


def test_little_is_needed_and_the_rest_has_defaults(load: Load) -> None:
    http = load(GENERIC)
    assert http.request is not None
    assert (http.request.method, http.request.auth, http.request.format) == ("POST", "none", "form")
    assert http.request.names == {"to", "text"}
    assert (http.answer, http.callback, http.tls, http.nameservers) == (None, None, None, ())
    assert load(GENESYS).mms_names == "brackets"


def test_numbers_and_flags_are_such_in_json_and_text_elsewhere(load: Load) -> None:
    fields = '{to: "{to}", text: "{text}", a: 8, b: "8", c: true, d: [1.5, {e: 0123, f: yes, g: .inf}]}'
    http = load(GENERIC.replace(REQUEST, f"request: {{format: json, fields: {fields}}}"))
    assert http.request is not None
    assert http.request.fields == {
        "to": Template(("", "to", "")),
        "text": Template(("", "text", "")),
        "a": 8,
        "b": Template(("8",)),
        "c": True,
        "d": [1.5, {"e": Template(("0123",)), "f": Template(("yes",)), "g": Template((".inf",))}],
    }
    http = load(GENERIC.replace(REQUEST, 'request: {fields: {to: "{to}", text: "{text}", a: 1.50}}'))
    assert http.request is not None
    assert http.request.fields["a"] == Template(("1.50",))


def test_nested_json_by_hand_is_read_as_from_a_file() -> None:
    request = RequestSettings.model_validate(
        {"format": "json", "fields": {"to": Template(("", "to", "")), "text": "{text}", "n": [1, False, 1.5]}}
    )
    assert request.fields["n"] == [1, False, 1.5]
    assert request.names == {"to", "text"}


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("192.0.2.53", HostPort("192.0.2.53", 53)),
        ("127.0.0.1:5353", HostPort("127.0.0.1", 5353)),
        ("[::1]", HostPort("::1", 53)),
        ("::1", HostPort("::1", 53)),
        ("[::1]:5353", HostPort("::1", 5353)),
    ],
)
def test_nameservers_have_a_port_by_default(written: str, server: HostPort) -> None:
    http = HttpSettings.model_validate({"strategy": "dns", "nameservers": [written]})
    assert http.nameservers == (server,)
    assert HttpSettings(strategy="dns", nameservers=(server,)).nameservers == (server,)


def test_a_callback_is_known_by_fields_and_their_values(load: Load) -> None:
    def when(written: str) -> Any:
        callback = f"callback: {{message: {{when: {written}, from: f, to: t, text: x}}}}"
        http = load(GENERIC.replace(REQUEST, f"{REQUEST}\n      {callback}"))
        assert http.callback is not None
        assert http.callback.message is not None
        return http.callback.message.when

    assert when("x") == (("x", None),)
    assert when("[x, y]") == (("x", None), ("y", None))
    assert when("{type: in, n: 1}") == (("type", "in"), ("n", "1"))


ANSWER = f"{REQUEST}\n      answer: "
CALLBACK = f"{REQUEST}\n      callback: "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GENESYS.replace("login: me, ", ""), "4: providers.one.http: needs login"),
        (GENESYS.replace(", password: x", ""), "4: providers.one.http: needs password"),
        (
            GENESYS.replace("x}", "x, answer: {}}"),
            "4: providers.one.http.answer: is for dialect generic-http; genesys knows its own",
        ),
        (
            GENESYS.replace("x}", "x, mms_names: round}"),
            "4: providers.one.http.mms_names: must be brackets or plain",
        ),
        (
            GENESYS.replace("x}", "x, nameservers: [192.0.2.53]}"),
            "4: providers.one.http.nameservers: are only for strategy: dns",
        ),
        (
            GENESYS.replace("x}", "x, strategy: dns, nameservers: [ns.example.com]}"),
            "4: providers.one.http.nameservers[0]: must be the address of a DNS server, for example 192.0.2.53 or",
        ),
        (
            GENESYS.replace("x}", "x, strategy: dns, nameservers: ['192.0.2.53:0']}"),
            "4: providers.one.http.nameservers[0]: must have a port from 1 to 65535",
        ),
        (
            GENESYS.replace("x}", "x, nameservers: [[]]}"),
            "4: providers.one.http.nameservers[0]: must be the address",
        ),
        (GENESYS.replace("x}", "x, tls: {key: k}}"), "4: providers.one.http.tls.key: needs cert beside it"),
        (GENESYS.replace("x}", "x, tls: true}"), "4: providers.one.http.tls: must be a section"),
        (GENERIC.replace(REQUEST, ""), "4: providers.one.http: needs request: how an MT is said"),
        (
            GENERIC.replace(REQUEST, REQUEST + "\n      mms_names: plain"),
            "8: providers.one.http.mms_names: is for dialect genesys",
        ),
        (
            GENERIC.replace("example.com", "example.com/?a=b"),
            "8: providers.one.sites.here.http: must have no query",
        ),
        (
            GENERIC.replace("{to}", "{tu}"),
            "7: providers.one.http.request.fields.to: has a name in braces that",
        ),
        (
            GENERIC.replace("{to}", "{to"),
            "7: providers.one.http.request.fields.to: has a brace by itself: {name}",
        ),
        (
            GENERIC.replace("{to}", "x"),
            "7: providers.one.http.request: says nowhere {to} or {to_plus} or {to_digits}",
        ),
        (GENERIC.replace("{text}", "x"), "7: providers.one.http.request: says nowhere {text} or {data}"),
        (
            GENERIC.replace('"{text}"', '["{text}"]'),
            "7: providers.one.http.request.fields.text: must be a single value; only json nests",
        ),
        (
            GENERIC.replace('"{text}"}', f'"{{text}}", x: {"[" * 20}{"]" * 20}}}, format: json'),
            "7: providers.one.http.request.fields.x" + "[0]" * 16 + ": is nested too deeply",
        ),
        (
            GENERIC.replace('"{text}"}', '"{text}", x: ["{y}", {z: ~}]}, format: json'),
            "7: providers.one.http.request.fields.x[1].z: must be text",
        ),
        (
            GENERIC.replace('"{text}"}', '"{text}", x: ["{y}", {z: ~}]}, format: json'),
            "7: providers.one.http.request.fields.x[0]: has a name in braces that stands for nothing",
        ),
        (
            GENERIC.replace(REQUEST, "request: {fields: []}"),
            "7: providers.one.http.request.fields: must be a section",
        ),
        (
            GENERIC.replace("request: {", "request: {format: xml, "),
            "7: providers.one.http.request.format: must be form, json or query",
        ),
        (
            GENERIC.replace("request: {", "request: {method: GET, "),
            "7: providers.one.http.request.method: GET has no body: it needs format: query",
        ),
        (
            GENERIC.replace("request: {", "request: {path: send, "),
            "7: providers.one.http.request.path: must begin with / or ?",
        ),
        (
            GENERIC.replace("request: {", "request: {path: '{id}', "),
            "7: providers.one.http.request.path: must begin with / or ?",
        ),
        (
            GENERIC.replace("request: {", "request: {path: '/a b', "),
            "7: providers.one.http.request.path: must be printable ASCII without spaces and #",
        ),
        (
            GENERIC.replace("request: {", "request: {path: '/a#b', "),
            "7: providers.one.http.request.path: must be printable ASCII without spaces and #",
        ),
        (
            GENERIC.replace("request: {", "request: {path: '/{carrier}', "),
            "7: providers.one.http.request.path: may name only what every MT has: from, id,",
        ),
        (
            GENERIC.replace("request: {", "request: {path: [], "),
            "7: providers.one.http.request.path: must be text",
        ),
        (
            GENERIC.replace("request: {", 'request: {headers: {X-A: "é"}, '),
            "7: providers.one.http.request.headers.X-A: must be printable ASCII",
        ),
        (
            GENERIC.replace("request: {", "request: {headers: {X A: b}, "),
            "7: providers.one.http.request.headers.X A: the key must be the name of an HTTP header",
        ),
        (
            GENERIC.replace("request: {", "request: {headers: {HOST: b}, "),
            "7: providers.one.http.request.headers.HOST: the key is a header that the connection sets itself",
        ),
        (
            GENERIC.replace("request: {", "request: {auth: bearer, headers: {authorization: b}, "),
            "7: providers.one.http.request.headers.authorization: is set by auth: bearer",
        ),
        (
            GENERIC.replace("request: {", "request: {auth: basic, ").replace("login: me", "window: 1"),
            "4: providers.one.http: needs login: the request uses it",
        ),
        (
            GENERIC.replace("{to}", "{to}{password}").replace("password: ${PW}", "window: 1"),
            "4: providers.one.http: needs password: the request uses it",
        ),
        (
            GENERIC.replace("request: {", "request: {auth: basic, ").replace("login: me", 'login: "m:e"'),
            "5: providers.one.http.login: must have no colon with auth: basic",
        ),
        (
            GENERIC.replace("request: {", "request: {auth: bearer, ").replace("${PW}", "é"),
            "6: providers.one.http.password: must be printable ASCII to go into a header",
        ),
        (
            GENERIC.replace("request: {", "request: {headers: {X: '{login}'}, ").replace("me\n", "é\n"),
            "5: providers.one.http.login: must be printable ASCII to go into a header",
        ),
        (
            GENERIC.replace(REQUEST, ANSWER + "{results: {1: accepted}}"),
            "8: providers.one.http.answer.results: needs result: where they are",
        ),
        (
            GENERIC.replace(REQUEST, ANSWER + "{statuses: {42: accepted, 200: fine}}"),
            "8: providers.one.http.answer.statuses.42: the key must be at least 100",
        ),
        (
            GENERIC.replace(REQUEST, ANSWER + "{statuses: {200: fine}}"),
            "8: providers.one.http.answer.statuses.200: must be accepted, rejected, retry, throttled, account,",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{}"),
            "8: providers.one.http.callback: needs receipt or message",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{receipt: {when: [], id: i, state: s, states: {}}}"),
            "8: providers.one.http.callback.receipt.when: must name a field, a list of fields, or fields with",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{receipt: {when: {a: [b]}, id: i, state: s, states: {}}}"),
            "8: providers.one.http.callback.receipt.when: must give each field a single value",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{receipt: {when: a, id: i, state: s, states: {}}}"),
            "8: providers.one.http.callback.receipt.states: must not be empty",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{receipt: {when: a, id: i, state: s, states: {OK: done}}}"),
            "8: providers.one.http.callback.receipt.states.OK: must be enroute, delivered,",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{message: {when: a, form: b, to: t, text: x}}"),
            "8: providers.one.http.callback.message.form: is not a key that belongs here; did you mean from?",
        ),
        (
            GENERIC.replace(REQUEST, CALLBACK + "{message: {when: a, to: t, text: x}}"),
            "8: providers.one.http.callback.message.from: is missing",
        ),
    ],
)
def test_a_wrong_file_gets_a_clear_line(text: str, expected: str, load: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    lines = str(caught.value).replace(f"{tmp_path}/bridge.yaml:", "").splitlines()
    assert any(line.startswith(expected) for line in lines), lines


def test_secrets_in_templates_are_not_shown(load: Load) -> None:
    for place in ("fields: {x: 'a${PW}'}", "headers: {X: 'a${PW}'}", "path: '/a${PW}'"):
        with pytest.raises(ConfigError, match="has a name in braces that stands for nothing") as caught:
            load(GENERIC.replace(REQUEST, f"request: {{{place}}}"))
        assert "s3cr3t" not in str(caught.value)
        assert "P}" not in str(caught.value)
    text = GENERIC.replace("request: {", "request: {path: '/a${CALLBACK}', headers: {X: 'b${CALLBACK}'}, ")
    http = load(text.replace('"{text}"}', '"{text}", x: "zq${CALLBACK}"}'))
    for shown in (repr(http), http.model_dump_json(), str(http.model_dump())):
        assert "s3cr3t" not in shown
        assert "zqc" not in shown
        assert "/ac" not in shown
        assert "bc" not in shown
