"""URLs that switch verification off, or mean to switch something on: warned of at start and by `bridge check`."""

from pathlib import Path

import pytest

from bridge.config.load import load_config

SECRET = "kanarienvogel"


def warnings(folder: Path, broker: str, redis: str) -> list[str]:
    """What is said of these URLs, without where."""
    path = folder / "bridge.yaml"
    path.write_text(
        f"broker: {{url: '{broker}'}}\n"
        f"redis: {{url: '{redis}'}}\n"
        "providers: {p: {smpp: {system_id: a, password: b}, sites: {one: {smsc: ['smsc:2775']}}}}\n"
        "routes: {default: {providers: [p], from: '1'}}\n"
    )
    found = load_config(path, {}).warnings
    assert SECRET not in "".join(found)
    assert all(line.startswith(f"{path}:{1 if 'broker' in line else 2}: ") for line in found)
    return [line.partition(".url: ")[2] for line in found]


SAFE_BROKER = f"amqps://u:{SECRET}@h/?cafile=ca.pem&certfile=c.pem&keyfile=k.pem&heartbeat=5"
SAFE_REDIS = f"rediss://u:{SECRET}@h/0?ssl_ca_certs=ca.pem&ssl_cert_reqs=required&ssl_check_hostname=true"


def test_verified_is_the_default_and_nothing_to_speak_of(tmp_path: Path) -> None:
    assert warnings(tmp_path, f"amqps://u:{SECRET}@h/", f"rediss://u:{SECRET}@h/0") == []
    assert warnings(tmp_path, SAFE_BROKER, SAFE_REDIS) == []
    assert warnings(tmp_path, f"amqp://u:{SECRET}@h/?heartbeat=5", f"redis://u:{SECRET}@h/0") == []


@pytest.mark.parametrize(
    ("broker", "words"),
    [
        ("amqps://h/?no_verify_ssl=1", "no_verify_ssl trusts any server"),
        ("amqp://h/?cafile=ca.pem", "cafile does nothing without amqps://"),
        ("amqps://h/?ca_file=ca.pem", "does nothing; did you mean cafile?"),
        (f"amqps://h/?{SECRET}=1", "has an option that does nothing"),
    ],
)
def test_what_is_unwise_for_rabbitmq(tmp_path: Path, broker: str, words: str) -> None:
    (warning,) = warnings(tmp_path, broker, SAFE_REDIS)
    assert words in warning


@pytest.mark.parametrize(
    ("redis", "words"),
    [
        ("rediss://h/0?ssl_cert_reqs=none", "ssl_cert_reqs=none trusts any server"),
        ("rediss://h/0?ssl_check_hostname=False", "trusts the certificate of any server"),
        ("rediss://h/0?ssl_check_hostname=0", "trusts the certificate of any server"),
    ],
)
def test_what_is_unwise_for_redis(tmp_path: Path, redis: str, words: str) -> None:
    (warning,) = warnings(tmp_path, SAFE_BROKER, redis)
    assert words in warning
