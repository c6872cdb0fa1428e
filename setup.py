"""The build: pure Python, or, with BRIDGE_COMPILE=1, the same with the hot path compiled by mypyc.

All the rest is declared in pyproject.toml.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

HOT = {
    "": "pace",
    "broker": "acks contents frames incoming message outbox publisher tolerance wire",
    "dialects": "deliver smpp34 submit",
    "inbound": "confirm matching pending receive relations",
    "links": "bind counters shell trust",
    "model": "ids inbound mt outcome times",
    "outbound": "bequest board body dispatch endings flight lanes links pacing parts record recorder route sender"
    " settle settler tell tier volleys waiting",
    "smpp": "codec events framing lifecycle owed pdus session state status timers window",
    "store": "batcher claims correlation receipts",
    "text": "addresses alphabets encoding gsm message_ids receipt states",
}
"""The modules of each room that every message passes through, as a profile of `bridge bench` shows them.

Not those whose coroutines clean up after themselves: compiled ones do not do so in every case as Python does.
"""


WANTED = os.environ.get("BRIDGE_COMPILE") == "1"


def extensions() -> list[Extension]:
    """What is compiled: nothing unless asked for, because it takes a C compiler and two minutes."""
    if not WANTED or "bdist_wheel" not in sys.argv:
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - only there where it is asked for

    paths = [
        str(Path("bridge", room, f"{module}.py"))
        for room, modules in HOT.items()
        for module in modules.split()
    ]
    lenient = ["--config-file=", "--ignore-missing-imports"]  # `make types` is strict
    return mypycify([*lenient, *paths], group_name="bridge", opt_level="2", debug_level="0", multi_file=True)


setup(ext_modules=extensions(), setup_requires=["mypy>=1.14"] if WANTED else [])
