"""Faults by name: what is understood, and what the error says about what is not."""

import re

import pytest

from bridge.simulator.catalogue import FAULTS, Fault, UnknownFault, describe_faults
from bridge.simulator.faults import answers, links


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_had_by_its_name_alone_and_is_described(name: str) -> None:
    fault = Fault.read(name)
    assert type(fault.build()) is FAULTS[name]
    assert fault.build() is not fault.build()
    assert fault.applies_to("dc3", 2775)
    assert re.search(rf"^  {name}(:.*)?\n      \S.*\.$", describe_faults(), re.MULTILINE)


def test_parameters_have_the_types_of_their_defaults() -> None:
    assert Fault.read("reject:every=3,status=0x400").parameters == {"every": 3, "status": 0x400}
    assert Fault.read("segment-refused:n=3,status=0x58").parameters == {"n": 3, "status": 0x58}
    assert Fault.read("slow:seconds=1").parameters == {"seconds": 1.0}
    assert Fault.read("drop:taken=no,after=5").parameters == {"taken": False, "after": 5}
    assert Fault.read("garbage:kind=long").parameters == {"kind": "long"}


@pytest.mark.parametrize(
    ("where", "site", "port", "meant"),
    [
        ("dc3", "dc3", 1, True),
        ("dc3", "bos", 1, False),
        ("2776", "bos", 2776, True),
        ("2776", "bos", 2775, False),
    ],
)
def test_a_fault_for_some_nodes(where: str, site: str, port: int, *, meant: bool) -> None:
    assert Fault.read(f"throttle:every=2@{where}").applies_to(site, port) == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trottle", "no fault 'trottle'; there are: slow, late, "),
        ("throttle:often=3", "throttle: 'often=3' is not a parameter; it has every="),
        ("throttle:every", "throttle: 'every' is not a parameter"),
        ("black-hole:size=3", "black-hole: 'size=3' is not a parameter; it has no parameters"),
        ("throttle:every=x", "throttle: every must be like 10, not 'x'"),
        ("drop:taken=maybe", "drop: taken must be like yes, not 'maybe'"),
        ("reject:status=full", "reject: status must be like 0x0B, not 'full'"),
        ("throttle:every=0", "throttle: every: must be at least 1"),
        ("segment-refused:n=0", "segment-refused: n: must be at least 1"),
        ("drop:after=0", "drop: after: must be at least 1"),
        ("garbage:kind=nice", "garbage: kind: must be one of http, "),
        ("hex-ids:where=nowhere", "hex-ids: where: must be receipt or answer"),
        ("receipts-elsewhere:to=same", "receipts-elsewhere: to: must be one of bind, node, site"),
        ("undelivered:state=LOST", "undelivered: state: must be one of ENROUTE, "),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(UnknownFault, match=re.escape(message)):
        Fault.read(text)


def test_parameters_reach_the_fault() -> None:
    assert isinstance(Fault.read("late").build(), answers.Slow)
    assert isinstance(Fault.read("drop:after=1").build(), links.Drop)
