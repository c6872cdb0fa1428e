"""When an HTTP endpoint may be used: the table of its circuit, and whatever sequence of ends drives it."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.links.http.circuit import FEWEST_IN_A_ROW, LONGEST_PROBE_S, Circuit, State

WINDOW, PROBE_S = 12, 30.0
CLOSED, OPEN, TRIED = State.CLOSED, State.OPEN, State.TRIED


def circuit(state: State = CLOSED, *, window: int = WINDOW) -> Circuit:
    made = Circuit(window, PROBE_S)
    if state is not CLOSED:
        fail(made, again=True)
    if state is TRIED:
        assert made.probed()
    assert made.state is state
    return made


def fail(made: Circuit, *, again: bool = False, times: int = 1) -> bool:
    """Requests that left since the circuit opened last fail; whether the last of them changed the state."""
    return [made.failed(again, made.opened) for _ in range(times)][-1]


@pytest.mark.parametrize(
    ("state", "in_flight", "allowed"),
    [
        (CLOSED, 0, WINDOW),
        (CLOSED, WINDOW - 1, 1),
        (CLOSED, WINDOW, 0),
        (CLOSED, WINDOW + 1, 0),
        (OPEN, 0, 0),
        (OPEN, 5, 0),
        (TRIED, 0, 1),
        (TRIED, 1, 0),
        (TRIED, 5, 0),
    ],
)
def test_what_each_state_takes(state: State, in_flight: int, allowed: int) -> None:
    assert circuit(state).allows(in_flight) == allowed


def test_a_message_that_fails_once_opens_nothing() -> None:
    made = circuit()
    assert not fail(made)
    assert (made.state, made.allows(0), made.untroubled) == (CLOSED, WINDOW, False)


def test_a_message_that_had_failed_before_opens_it() -> None:
    made = circuit()
    assert fail(made, again=True)
    assert made.state is OPEN


@pytest.mark.parametrize(
    ("window", "many"), [(1, FEWEST_IN_A_ROW), (FEWEST_IN_A_ROW, FEWEST_IN_A_ROW), (50, 50)]
)
def test_a_whole_window_in_a_row_opens_it_and_never_fewer_than_ten(window: int, many: int) -> None:
    made = circuit(window=window)
    assert not fail(made, times=many - 1)
    assert fail(made)
    assert made.state is OPEN


def test_an_answer_between_failures_begins_the_row_anew() -> None:
    made = circuit()
    fail(made, times=WINDOW - 1)
    assert not made.answered(), "it was closed already"
    assert made.untroubled
    assert not fail(made, times=WINDOW - 1)
    assert fail(made)


def test_only_an_open_circuit_is_tried_after_a_probe() -> None:
    for state in (CLOSED, TRIED):
        made = circuit(state)
        assert not made.probed()
        assert made.state is state


@pytest.mark.parametrize("state", [OPEN, TRIED])
def test_any_answer_closes_it(state: State) -> None:
    made = circuit(state)
    assert made.answered()
    assert (made.state, made.untroubled) == (CLOSED, True)


@pytest.mark.parametrize("again", [False, True])
def test_a_trial_that_fails_opens_it_whatever_its_message_met_before(again: bool) -> None:
    made = circuit(TRIED)
    assert fail(made, again=again)
    assert made.state is OPEN


def test_each_failed_trial_doubles_the_time_to_the_next_probe_up_to_a_limit() -> None:
    made = circuit(OPEN)
    waits = [made.probe_s]
    for _ in range(6):
        made.probed()
        fail(made)
        waits.append(made.probe_s)
    assert waits == [30, 60, 120, 240, 480, LONGEST_PROBE_S, LONGEST_PROBE_S]
    made.answered()
    fail(made, again=True)
    assert made.probe_s == PROBE_S, "an answer resets it"


def test_who_waits_longer_than_the_limit_anyway_does_not_wait_shorter_then() -> None:
    made = Circuit(WINDOW, 2 * LONGEST_PROBE_S)
    fail(made, again=True)
    made.probed()
    fail(made)
    assert made.probe_s == 2 * LONGEST_PROBE_S


@pytest.mark.parametrize("state", [OPEN, TRIED])
@pytest.mark.parametrize("again", [False, True])
def test_what_was_on_its_way_when_it_opened_changes_nothing_by_failing(state: State, again: bool) -> None:
    made = circuit()
    left = made.opened
    fail(made, again=True)
    if state is TRIED:
        made.probed()
    assert not any(made.failed(again, left) for _ in range(WINDOW))
    assert (made.state, made.probe_s) == (state, PROBE_S)


def test_nor_after_an_answer_has_closed_it_again() -> None:
    made = circuit()
    left = made.opened
    fail(made, again=True)
    made.answered()
    assert not any(made.failed(True, left) for _ in range(WINDOW))
    assert (made.state, made.untroubled) == (CLOSED, True)


FEW = st.integers(0, 30)


class Driven(RuleBasedStateMachine):
    """Requests that leave when allowed, and end in any order, beside a count of what may open the circuit."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit(3, PROBE_S)
        self.open: list[tuple[bool, int]] = []
        self.in_a_row = 0
        self.trials = 0

    @precondition(lambda self: self.circuit.allows(len(self.open)))
    @rule(again=st.booleans())
    def one_leaves(self, again: bool) -> None:
        self.trials += self.circuit.state is TRIED
        self.open.append((again, self.circuit.opened))

    @precondition(lambda self: self.open)
    @rule(index=FEW)
    def one_fails(self, index: int) -> None:
        again, left = self.open.pop(index % len(self.open))
        before, wait_s = self.circuit.state, self.circuit.probe_s
        old = left != self.circuit.opened
        self.in_a_row += not old
        changed = self.circuit.failed(again, left)
        due = before is TRIED or (before is CLOSED and (again or self.in_a_row >= FEWEST_IN_A_ROW))
        assert changed is (due and not old)
        assert self.circuit.state is (OPEN if changed else before)
        doubled = changed and before is TRIED
        assert self.circuit.probe_s == (min(2 * wait_s, LONGEST_PROBE_S) if doubled else wait_s)
        self.trials = 0 if changed else self.trials

    @precondition(lambda self: self.open)
    @rule(index=FEW)
    def one_is_answered(self, index: int) -> None:
        self.open.pop(index % len(self.open))
        changed = self.circuit.state is not CLOSED
        assert self.circuit.answered() is changed
        self.in_a_row = self.trials = 0
        assert (self.circuit.state, self.circuit.probe_s) == (CLOSED, PROBE_S)

    @rule()
    def a_probe_is_answered(self) -> None:
        before = self.circuit.state
        assert self.circuit.probed() is (before is OPEN)
        assert self.circuit.state is (TRIED if before is OPEN else before)

    @invariant()
    def no_more_than_allowed_are_in_flight(self) -> None:
        assert len(self.open) <= 3
        assert self.trials <= 1, "one at a time on trial"


TestDriven = Driven.TestCase
TestDriven.settings = settings(max_examples=100, stateful_step_count=60)
