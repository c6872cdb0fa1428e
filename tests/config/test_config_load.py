"""From files to settings, and from wrong files to one sentence per problem, each with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.config.load import ConfigError, Loaded, load_config

SECRET = "s3cr3t-P"
ENVIRON = {
    "PW": SECRET,
    "WINDOW": "25",
    "EMPTY": "",
    "AMQP_URL": "amqp://user:" + SECRET + "@mq.example.com/",
    "REDIS_URL": "redis://localhost/0",
    "GENESYS_SYSTEM_ID": "me",
    "GENESYS_PASSWORD": SECRET,
    "GENESYS_LOGIN": "me",
    "GENESYS_HTTP_PASSWORD": SECRET,
    "CALLBACK_TOKEN": SECRET,
}

MINIMAL = """\
providers:
  one:
    smpp: {system_id: me, password: secret}
    sites: {here: {smsc: ["localhost:2775"]}}
routes:
  default: {providers: [one], from: 0123}
"""

HTTP = """\
providers:
  one:
    dialect: generic-http
    http:
      request: {fields: {to: "{to}", text: "{text}"}}
    sites: {here: {http: "https://sms.example.com"}}
routes:
  default: {providers: [one], from: 0123}
"""

EXAMPLE = Path(__file__).parents[2] / "schemas" / "bridge.example.yaml"

Load = Callable[[str], Loaded]
Problems = Callable[[str], list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_text(text: str) -> Loaded:
        path = tmp_path / "bridge.yaml"
        path.write_text(text)
        return load_config(path, ENVIRON)

    return load_text


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Problems:
    """The lines of the error this text leads to, without the folder."""

    def problems_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return problems_of


def test_the_example_loads_without_a_warning() -> None:
    loaded = load_config(EXAMPLE, ENVIRON)
    assert loaded.warnings == []
    provider = loaded.settings.providers["genesys"]
    assert provider.smpp is not None
    assert provider.smpp.status == {0x45: "permanent"}
    assert provider.smpp.default_alphabet == "utf-8"
    assert provider.http is not None
    assert (provider.http.primary, provider.http.resubmit_seconds, provider.http.window) == ("dc3", 30, 50)
    assert [str(node) for node in provider.sites["bos"].smsc][1] == "smsc2.bos.genesyscloud.com:2775"


def test_little_is_needed_and_the_rest_has_defaults(load: Load) -> None:
    settings = load(MINIMAL).settings
    smpp = settings.providers["one"].smpp
    assert smpp is not None
    assert (smpp.bind, smpp.window, smpp.rebind_seconds, smpp.busy_status) == ("transceiver", 10, 31, 0x14)
    assert smpp.default_alphabet == "gsm"
    assert settings.broker.urls[0].get_secret_value() == "amqp://guest:guest@localhost:5672/"
    assert settings.callbacks is None
    assert (settings.routes["default"].on_doubt, settings.routes["default"].max_attempts) == ("resend", 8)


def test_scalars_are_the_text_that_stands_there(load: Load) -> None:
    assert load(MINIMAL).settings.routes["default"].from_ == "0123"


def test_references_become_values_of_any_type(load: Load, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    text = MINIMAL.replace("secret}", "${file:secret}, window: ${WINDOW}, system_type: a$${b}}")
    smpp = load(text).settings.providers["one"].smpp
    assert smpp is not None
    assert smpp.password.get_secret_value() == "from a file"
    assert smpp.window == 25
    assert smpp.system_type == "a${b}"


def test_anchors_and_merge_keys_work(load: Load) -> None:
    text = """\
providers:
  one:
    smpp: &account {system_id: me, password: secret, window: 7}
    sites: &sites {here: {smsc: ["localhost:2775"]}}
  two:
    smpp: {<<: *account, window: 8}
    sites: *sites
  three:
    smpp: {<<: [{window: 9}, *account]}
    sites: *sites
routes: {default: {providers: [one, two, three], from: "1"}}
"""
    providers = load(text).settings.providers
    assert [provider.smpp.window for provider in providers.values() if provider.smpp] == [7, 8, 9]


def test_every_problem_is_told_at_once_with_its_line(problems: Problems) -> None:
    text = """\
broker: {url: "http://x", prefex: a}
provider: {}
providers:
  gen:
    smpp:
      system_id: ${NOPE}
      password: ${file:/nowhere/at/all}
      windw: 3
      window: ten
      tls: {ca: x, crt: y}
      rebind_seconds: -1
      source_ton: 9
      bind: trx
      status: {0x45: perm, foo: permanent, 0xzz: ok}
    sites:
      "a b": {smsc: [a, "b:1"]}
      c: {}
  gen: {}
routes:
  default: {providers: [gem, zzz], prefer: smtp, from: "a way too long sender"}
  x:
callbacks: {}
limits: {mt_bytes: 1}
"""
    assert [line.removeprefix("bridge.yaml:") for line in problems(text)] == [
        "1: broker.prefex: is not a key that belongs here; did you mean prefix?",
        "1: broker.url: must be a URL with a host that begins with amqp:// or amqps://",
        "2: provider: is not a key that belongs here; did you mean providers?",
        "6: providers.gen.smpp.system_id: the environment variable NOPE is not set",
        "7: providers.gen.smpp.password: the file /nowhere/at/all cannot be read: No such file or directory",
        "8: providers.gen.smpp.windw: is not a key that belongs here; did you mean window?",
        "9: providers.gen.smpp.window: must be a whole number",
        "10: providers.gen.smpp.tls.crt: is not a key that belongs here; did you mean cert?",
        "11: providers.gen.smpp.rebind_seconds: must be more than 0",
        "12: providers.gen.smpp.source_ton: must be auto or a number from 0 to 6",
        "13: providers.gen.smpp.bind: must be transceiver, transmitter+receiver, transmitter or receiver",
        "14: providers.gen.smpp.status.0x45: must be ok, permanent, retry, throttled, bind or account",
        "14: providers.gen.smpp.status.0xzz: the key must be a whole number",
        "14: providers.gen.smpp.status.foo: the key must be a whole number",
        "16: providers.gen.sites.a b: the key must be 1 to 64 letters, digits, - or _",
        "16: providers.gen.sites.a b.smsc[0]: must be host:port, for example smsc1.example.com:2775",
        "17: providers.gen.sites.c: needs smsc, http, or both",
        "18: providers.gen: is given twice, first in line 4",
        "20: routes.default.from: must be a number, a short code, or up to 11 characters of printable ASCII",
        "20: routes.default.prefer: must be smpp, http or any",
        "20: routes.default.providers[0]: names no provider; did you mean gen?",
        "20: routes.default.providers[1]: names no provider; there is gen",
        "21: routes.x: has no value: give it one, or remove the key",
        "22: callbacks.token: is missing",
        "23: limits.mt_bytes: must be at least 1024",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "bridge.yaml:1: providers: is missing"),
        ("# nothing\n", "bridge.yaml:1: providers: is missing"),
        ("- a\n", "bridge.yaml:1: must be a section, with keys below it"),
        ("providers: {}\n", "bridge.yaml:1: providers: must not be empty"),
        ("a: [1,\n", "bridge.yaml:2: is not YAML: while parsing a flow node, "),
        ("a:\n\t- b\n", "bridge.yaml:2: is not YAML: while scanning for the next token, "),
        ("a: 1\n---\nb: 2\n", "bridge.yaml:2: is not YAML: expected a single document in the stream, "),
        ("a: 1\nb: \x01\n", "bridge.yaml:2: a character that YAML does not allow (#x0001)"),
        ("a: " + "[" * 5000, "bridge.yaml:1: is nested too deeply"),
        ("providers: &a {x: *a}\n", "bridge.yaml:1: providers.x: refers to itself"),
        ("providers: !secret x\n", "bridge.yaml:1: providers: YAML tags (!word) are not known here"),
        ("? {a: b}\n: c\n", "bridge.yaml:1: a key must be a single word"),
        ("<<: 3\n", "bridge.yaml:1: <<: must name a section, or a list of them"),
        (
            MINIMAL + "redis: {url: '${'}\n",
            "bridge.yaml:7: redis.url: ${ must begin ${NAME} or ${file:/path}",
        ),
        (
            MINIMAL + "redis: {retention_hours: .inf}\n",
            "bridge.yaml:7: redis.retention_hours: must be a number",
        ),
        (MINIMAL + "redis: {url: []}\n", "bridge.yaml:7: redis.url: must be a single value"),
        (MINIMAL + "redis: {url: ~}\n", "bridge.yaml:7: redis.url: must be a single value"),
        (
            MINIMAL + "redis: {url: 'redis://h:x/0'}\n",
            "bridge.yaml:7: redis.url: must be a URL that begins with",
        ),
        (
            MINIMAL + "redis: {url: 'redis://h/zero'}\n",
            "bridge.yaml:7: redis.url: must end in the number of a database",
        ),
        (
            MINIMAL + "redis: {url: 'redis://h/0?socket_timeout=x'}\n",
            "bridge.yaml:7: redis.url: takes no options but username, password",
        ),
        (
            MINIMAL + "redis: {url: 'rediss://h/0?ssl_ca_certs=ca.pem&decode_responses=1'}\n",
            "bridge.yaml:7: redis.url: takes no options but username, password, ssl_ca_certs, ssl_certfile,",
        ),
        (
            MINIMAL + "redis: {prefix: .x}\n",
            "bridge.yaml:7: redis.prefix: must be 1 to 64 letters, digits, or",
        ),
        (MINIMAL + "broker: {url: []}\n", "bridge.yaml:7: broker.url: must not be empty"),
        (MINIMAL + "broker: {declare: perhaps}\n", "bridge.yaml:7: broker.declare: must be true or false"),
        (MINIMAL + "ops: {listen: 9090}\n", "bridge.yaml:7: ops.listen: must be host:port"),
        (
            MINIMAL + "ops: {listen: 'h:70000'}\n",
            "bridge.yaml:7: ops.listen: must have a port from 0 to 65535",
        ),
        (MINIMAL + "ops: {listen: '::1:80'}\n", "bridge.yaml:7: ops.listen: must be host:port"),
        (
            MINIMAL + "callbacks: {token: x, allow: [here]}\n",
            "bridge.yaml:7: callbacks.allow[0]: must be an IP address or a network such as 192.0.2.0/24",
        ),
        (
            MINIMAL + "callbacks: {token: '${EMPTY}'}\n",
            "bridge.yaml:7: callbacks.token: must not be empty",
        ),
        (MINIMAL.replace("[one]", "one"), "bridge.yaml:6: routes.default.providers: must be a list"),
        (
            MINIMAL.replace("{here:", "{here: x, there:"),
            "bridge.yaml:4: providers.one.sites.here: must be a section",
        ),
        (
            MINIMAL.replace("me,", "m\u00e9,"),
            "bridge.yaml:3: providers.one.smpp.system_id: must be printable ASCII",
        ),
        (
            MINIMAL.replace("me,", "m,".zfill(30)),
            "bridge.yaml:3: providers.one.smpp.system_id: must have at most 15",
        ),
        (
            MINIMAL.replace("secret}", "secret, tls: maybe}"),
            "bridge.yaml:3: providers.one.smpp.tls: must be true",
        ),
        (
            MINIMAL.replace("secret}", "secret, tls: {key: k}}"),
            "bridge.yaml:3: providers.one.smpp.tls.key: needs cert beside it",
        ),
        (
            MINIMAL.replace("secret}", "secret, busy_status: 0x0}"),
            "bridge.yaml:3: providers.one.smpp.busy_status: must be at least 1",
        ),
        (
            MINIMAL.replace("secret}", "secret, max_segments: 256}"),
            "bridge.yaml:3: providers.one.smpp.max_segments: must be at most 255",
        ),
    ],
)
def test_a_wrong_file_gets_one_clear_line(text: str, expected: str, problems: Problems) -> None:
    lines = problems(text)
    assert any(line.startswith(expected) for line in lines), lines


def test_a_tab_is_named(problems: Problems) -> None:
    assert "indent with spaces" in problems("a:\n\t- b\n")[0]


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.yaml: cannot be read: No such file or directory; -c FILE"):
        load_config(tmp_path / "nope.yaml", {})
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: \u00e9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: is not UTF-8 text"):
        load_config(latin, {})


def test_files_of_secrets_that_cannot_be_values(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, reason in {"large": "is too large for a value", "binary": "is not UTF-8 text"}.items():
        lines = problems(MINIMAL.replace("secret}", "'${file:" + name + "}'}"))
        assert lines == [f"bridge.yaml:3: providers.one.smpp.password: the file {name} {reason}"]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            MINIMAL.replace("secret}", "secret, rebind_seconds: 30}"),
            ":3: providers.one.smpp.rebind_seconds: 30 or less",
        ),
        (
            MINIMAL.replace("secret}", "long-secret}"),
            ":3: providers.one.smpp.password: is longer than SMPP's 8",
        ),
        (MINIMAL.replace(", from: 0123", ""), ":6: routes.default: has no from"),
        (MINIMAL.partition("routes")[0], ":1: there are no routes"),
        (
            MINIMAL.replace("secret}", "secret, bind: receiver}"),
            ":6: routes.default.providers: none of them can send",
        ),
        (
            MINIMAL.replace(
                "  one:",
                "  two:\n    smpp: {system_id: x, password: y}\n    sites: {x: {smsc: ['h:1']}}\n  one:",
            ),
            ":2: providers.two: no route uses it: it only receives",
        ),
        (
            MINIMAL.replace(
                "  one:", "  one:\n    dialect: genesys\n    http: {login: a, password: b}"
            ).replace('2775"]', "2775\"], http: 'http://x.example.com/'"),
            ":6: providers.one.sites.here.http: http:// shows",
        ),
        (HTTP, ":4: providers.one.http: there is no callbacks section: nothing listens for"),
        (HTTP, ":4: providers.one.http: has no callback: its receipts and messages cannot be read"),
        (
            HTTP.replace("from:", "prefer: smpp, from:"),
            ":8: routes.default.prefer: changes nothing: none of its providers has smpp",
        ),
        (
            MINIMAL.replace("from:", "prefer: http, from:"),
            ":6: routes.default.prefer: changes nothing: none of its providers has http",
        ),
        (
            MINIMAL + "redis: {retention_hours: 24}\ninbound: {dr_join_hours: 25}\n",
            ":8: inbound.dr_join_hours: is longer than redis.retention_hours",
        ),
    ],
)
def test_what_is_unwise_is_told_with_its_line(text: str, warning: str, load: Load) -> None:
    warnings = load(text).warnings
    assert any(f"bridge.yaml{warning}" in line for line in warnings), warnings


def test_nothing_is_unwise_about_http_with_callbacks(load: Load) -> None:
    text = HTTP.replace(
        "    sites:", "      callback: {message: {when: text, from: f, to: t, text: text}}\n    sites:"
    )
    assert load(text + "callbacks: {token: x}\n").warnings == []
    assert load(MINIMAL.replace("from:", "prefer: any, from:")).warnings == []


def test_secrets_are_in_no_error_no_warning_no_repr(load: Load, problems: Problems) -> None:
    text = (
        MINIMAL.replace("secret", "${PW}").replace("me,", "${PW}${PW},") + "broker: {url: 'http://${PW}@h'}\n"
    )
    assert SECRET not in "\n".join(problems(text))
    loaded = load(MINIMAL.replace("secret", "${PW}") + "broker: {url: '${AMQP_URL}'}\n")
    assert SECRET not in repr(loaded)
    assert SECRET not in repr(loaded.settings.model_dump())
    assert SECRET not in loaded.settings.model_dump_json()


_PIECES = st.sampled_from(
    [
        MINIMAL,
        "providers:",
        "routes: ",
        " ",
        "  ",
        "\n",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "a: ",
        "*a ",
        "&a ",
        "<<: ",
        "!x ",
        "'",
        '"',
        "${PW}",
        "${file:/}",
        "? ",
        "|",
        "~",
        "smpp: ",
        "sites: ",
        "\t",
        "\u2028",
        "\ud800",
        "0x1",
        "default: ",
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.lists(_PIECES, max_size=12).map("".join).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=60),
    )
)
@example(b"\xef\xbb\xbf" + MINIMAL.encode())
@example(b"providers: {a: *b}")
def test_no_file_whatever_gets_past_config_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    try:
        said = repr(load_config(path, ENVIRON))
    except ConfigError as error:
        said = str(error)
    assert said
    assert SECRET not in said


def test_the_contracts_own_spelling_is_read(load: Load) -> None:
    """Unquoted references between braces: not YAML by the letter, and what people write."""
    text = MINIMAL + 'callbacks: {listen: "0.0.0.0:8080", token: ${PW}, allow: [], trust_proxy: false}\n'
    callbacks = load(text).settings.callbacks
    assert callbacks is not None
    assert callbacks.token.get_secret_value() == SECRET


def test_references_are_for_values_not_for_keys(problems: Problems) -> None:
    assert "bridge.yaml:7: ${PW}: is not a key that belongs here" in problems(MINIMAL + "${PW}: 1\n")


def test_a_redis_url_may_name_a_database_and_certificates(tmp_path: Path) -> None:
    for url in (
        "redis://h",
        "redis://h/",
        "redis://u:p@h:1/15",
        "redis://h?password=p",
        "rediss://h/0?ssl_ca_certs=/ca.pem",
    ):
        path = tmp_path / "bridge.yaml"
        path.write_text(MINIMAL + f"redis: {{url: '{url}'}}\n")
        assert load_config(path, {}).settings.redis.url.get_secret_value() == url
