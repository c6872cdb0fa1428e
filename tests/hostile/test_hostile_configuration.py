"""Configuration files that are meant to hurt, or that a broken tool wrote: problems with their lines, at once."""

from pathlib import Path

import pytest

from bridge.config import document, load
from bridge.config.load import ConfigError, load_config

GOOD = "providers: {p: {smpp: {system_id: me, password: x}, sites: {a: {smsc: h:1}}}}\n"


def problems(text: str, folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    path = folder / "bridge.yaml"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ or {})
    return [problem.within(Path("f")) for problem in caught.value.problems]


def bomb(one: str, ten: str) -> str:
    """Ten lines, each ten times the one before it."""
    lines = [f"a0: &a0 {one}\n"]
    lines += [f"a{n}: &a{n} {ten.format(','.join([f'*a{n - 1}'] * 10))}\n" for n in range(1, 11)]
    return "".join(lines)


@pytest.mark.parametrize("text", [bomb("[x]", "[{}]"), bomb("{x: 1}", "{{<<: [{}]}}")])
def test_aliases_of_aliases_are_not_followed_for_ever(text: str, tmp_path: Path) -> None:
    assert problems(text, tmp_path) == ["f:1: has more than 100000 values, with what its aliases stand for"]


def test_aliases_do_not_nest_deeper_than_can_be_read(tmp_path: Path) -> None:
    deep = "a0: &a0 " + "[" * 200 + "]" * 200 + "\n"
    deep += "".join(f"a{n}: &a{n} " + "[" * 100 + f"*a{n - 1}" + "]" * 100 + "\n" for n in range(1, 10))
    assert problems(deep, tmp_path) == ["f:1: is nested too deeply"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('a: 1\nb: "\\U00110000"\n', "f:2: is not YAML: a number in it is too large"),
        ('a: "\\UFFFFFFFF"\n', "f:1: is not YAML: a number in it is too large"),
        ("%YAML 1." + "9" * 5_000 + "\n---\na: 1\n", "f:1: is not YAML: a number in it is too large"),
        (GOOD + "ops: {listen: 'h:" + "1" * 5_000 + "'}\n", "f:2: ops.listen: must be host:port"),
        (GOOD + "ops: {listen: '" + "h" * 64 + ":1'}\n", "f:2: ops.listen: must be host:port"),
        (GOOD + '"a\\nb\\x85": 1\n', "f:2: a\\nb\\x85: is not a key that belongs here"),
        (GOOD + 'ops: {"\\ud800": 1}\n', "f:2: ops: a key in it is no text that UTF-8 could carry"),
        (
            GOOD + "routes: {r: {providers: [q]}}\n",
            "f:2: routes.r.providers[0]: names no provider; there is p",
        ),
        (GOOD + 'callbacks: {token: "\\ud800"}\n', "f:2: callbacks.token: is no text that UTF-8 could carry"),
        (GOOD.replace("h:1", "h..h:1"), "f:1: providers.p.sites.a.smsc: must be host:port"),
        (
            GOOD.replace("password: x", "password: x, window: " + "9" * 5_000),
            "f:1: providers.p.smpp.window: must be a whole number of fewer digits",
        ),
        (
            GOOD.replace("password: x", "password: x, source_ton: " + "9" * 5_000),
            "f:1: providers.p.smpp.source_ton: must be auto or a number from 0 to 6",
        ),
    ],
)
def test_each_problem_is_a_line_that_can_be_shown(text: str, problem: str, tmp_path: Path) -> None:
    found = problems(text, tmp_path)
    assert all(line.isprintable() for line in found)
    assert [line for line in found if line.startswith(problem)], found


def test_thousands_of_unknown_keys_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD + "".join(f"key{number}: 1\n" for number in range(3_000))
    assert len(problems(text, tmp_path)) == 3_000


def test_what_is_no_utf8_in_the_environment_is_named(tmp_path: Path) -> None:
    text = GOOD.replace("password: x", "password: ${PASSWORD}")
    assert problems(text, tmp_path, {"PASSWORD": "s3cret\udce9"}) == [
        "f:1: providers.p.smpp.password: the environment variable PASSWORD is not UTF-8 text"
    ]


def test_a_file_is_read_only_so_far(tmp_path: Path) -> None:
    assert problems("#" * (load.LARGEST_BYTES + 1), tmp_path) == ["f: is larger than 1048576 octets"]
    with pytest.raises(ConfigError, match="is larger than"):
        load_config(Path("/dev/zero"), {})


def test_a_large_configuration_is_well_within_the_bounds(tmp_path: Path) -> None:
    sites = ", ".join(f"s{number}: {{smsc: [h:{number}]}}" for number in range(1, 300))
    path = tmp_path / "bridge.yaml"
    path.write_text(GOOD.replace("a: {smsc: h:1}", sites))
    assert len(load_config(path, {}).settings.providers["p"].sites) == 299
    assert document.MOST_VALUES > 50_000
