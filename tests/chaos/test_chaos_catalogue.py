"""The catalogue and the command line: what is chosen, what is refused and why, that no fault is nameless."""

import re

import pytest

from tests.chaos import catalogue
from tests.chaos.asked import Goals
from tests.chaos.catalogue import FAULTS, UnknownFault, chosen
from tests.chaos.fault import Need, Victim
from tests.chaos.usage import MINUTES, read


def names(listed: str | None = None, *, cluster: bool = False, replica: bool = False) -> list[str]:
    return [fault.name for fault in chosen(listed, cluster=cluster, replica=replica)]


def test_every_fault_is_named_after_its_victim_and_says_what_it_does() -> None:
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert name.startswith(f"{fault.victim.value}-")
        assert re.search(rf"^{name} +\S", catalogue.described(), re.MULTILINE)
        least, most = fault.seconds
        assert 0 <= least <= most
    assert {fault.victim for fault in FAULTS.values()} == set(Victim)


def test_it_is_said_what_is_not_held_against_the_bridge() -> None:
    excused = [line for line in catalogue.described().splitlines() if "known, and no failure" in line]
    assert [line.split()[0] for line in excused] == ["redis-emptied", "redis-failed-over"]


def test_without_a_list_all_is_chosen_that_can_be_played_and_is_not_long() -> None:
    alone = names()
    assert "worker-killed" in alone
    assert {fault.name for fault in FAULTS.values() if fault.need or fault.long}.isdisjoint(alone)
    assert set(names(cluster=True)) - set(alone) == {"rabbitmq-node-killed", "rabbitmq-quorum-lost"}
    assert set(names(replica=True)) - set(alone) == {"redis-failed-over"}


def test_a_list_chooses_each_once_in_its_order() -> None:
    assert names("smsc-cut,redis-full,smsc-cut") == ["smsc-cut", "redis-full"]
    assert names("worker-crashes-30") == ["worker-crashes-30"], "long, but asked for"


@pytest.mark.parametrize("listed", ["", "smsc-cut,", "smsc", "Smsc-cut", "smsc-cut, redis-full"])
def test_a_name_that_there_is_not_is_refused_with_those_there_are(listed: str) -> None:
    with pytest.raises(UnknownFault, match=r"no fault '[^']*'; there are: worker-killed, "):
        chosen(listed, cluster=False, replica=False)


@pytest.mark.parametrize("need", Need)
def test_what_a_fault_needs_is_named(need: Need) -> None:
    name = next(name for name, fault in FAULTS.items() if fault.need is need)
    with pytest.raises(UnknownFault, match=f"{name} needs {need.value}"):
        chosen(name, cluster=False, replica=False)


def test_the_command_of_a_run_gives_the_same_run() -> None:
    line = [
        "--seed",
        "7",
        "--minutes",
        "0.5",
        "--only",
        "redis-failed-over,smsc-cut",
        "--replica",
        "--cluster",
        "3",
        "--messages",
        "1000",
        "--faults",
        "20",
        "--backlog",
        "300",
        "--mo-share",
        "0.25",
        "--http-share",
        "0",
        "--spare",
    ]
    asked = read(line).run
    again = read(asked.command.split()[3:]).run
    assert again == asked
    assert (asked.seed, asked.cluster, asked.replica, asked.spare) == (7, 3, True, True)
    assert asked.goals == Goals(minutes=0.5, messages=1000, strikes=20)
    assert (asked.backlog, asked.mo_share, asked.http_share) == (300, 0.25, 0)


def test_without_a_goal_a_run_lasts_for_minutes_and_with_one_it_does_not() -> None:
    assert read([]).run.goals == Goals(minutes=MINUTES)
    assert read(["--messages", "7"]).run.goals == Goals(messages=7)


@pytest.mark.parametrize(
    ("done", "reached"),
    [((1.0, 0, 0), 0.0), ((1.0, 500, 20), 0.5), ((2.0, 1000, 30), 1.0), ((9.0, 1001, 19), 0.95)],
)
def test_a_run_is_over_when_all_its_goals_are_reached(done: tuple[float, int, int], reached: float) -> None:
    assert Goals(minutes=2.0, messages=1000, strikes=20).reached(*done) == reached
    assert Goals(strikes=20).reached(0.0, 0, 20) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (["--only", "nothing"], "no fault 'nothing'"),
        (["--only", "redis-failed-over"], "redis-failed-over needs --replica"),
        (["--minutes", "0"], "must be more than 0"),
        (["--rate", "nan"], "must be more than 0"),
        (["--messages", "0"], "must be 1 at least"),
        (["--mo-share", "1.1"], "must be from 0 to 1"),
        (["--cluster", "2"], "invalid choice"),
        (["--workers", "1"], "invalid choice"),
    ],
)
def test_wrong_usage_is_told(line: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read(line)
    assert complaint in capsys.readouterr().err
