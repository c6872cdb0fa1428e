"""All targets, by the names that `python -m tests.fuzz` knows them by."""

from collections.abc import Mapping

from tests.fuzz.answers import ANSWERS
from tests.fuzz.callbacks import CALLBACKS
from tests.fuzz.configuration import CONFIGURATION
from tests.fuzz.listeners import LISTENERS
from tests.fuzz.mts import MTS
from tests.fuzz.smpp import SMPP
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    "smpp": SMPP,
    "callbacks": CALLBACKS,
    "listeners": LISTENERS,
    "mts": MTS,
    "answers": ANSWERS,
    "configuration": CONFIGURATION,
}
