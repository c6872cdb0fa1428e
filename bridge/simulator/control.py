"""The control port of an SMPP provider (`commands.py`). For demos that fail a site from outside.

`{"do": "kill" | "stop" | "start", "site": NAME}` (or `"port": NUMBER`; neither: all nodes) · `{"do": "stats"}` ·
`{"do": "faults", "site": NAME, "faults": ["throttle:every=10"]}` replaces the faults (an empty list heals) ·
`{"do": "mo", "text": TEXT, "from": NUMBER, "to": NUMBER}`, and for a text of several segments also `"header": "udh8" |
"udh16" | "sar"`, `"naive": true` (cut by octets, also through a character), `"order": [2, 1, 2]`, `"reference": N` ·
`{"do": "receipts", "count": N}`: N receipts of messages nobody sent.
"""

from collections.abc import Sequence
from typing import Any

from bridge.simulator.behaviour import Behaviour
from bridge.simulator.catalogue import Fault
from bridge.simulator.commands import CommandPort, CommandRefused
from bridge.simulator.network import HANDSET, SHORT_CODE, Network
from bridge.simulator.smsc import SimulatedSmsc
from bridge.simulator.writing import Manner


class Control(CommandPort[Behaviour]):
    """Commands to the nodes of one SMPP provider."""

    def __init__(self, network: Network, nodes: Sequence[SimulatedSmsc]) -> None:
        super().__init__(network, nodes, Fault)
        self._network = network

    def obey_too(self, command: dict[str, Any]) -> dict[str, Any]:
        """Texts from phones, and strange receipts."""
        match command.get("do"):
            case "mo":
                text, source, destination = (command.get(key) for key in ("text", "from", "to"))
                sent = self._network.send_mo(
                    text,
                    source=source or HANDSET,
                    destination=destination or SHORT_CODE,
                    manner=_manner(command),
                )
                return {"ids": [parcel.id for parcel in sent]}
            case "receipts":
                return {"ids": self._network.send_strange_receipts(int(command.get("count", 1)))}
            case _:
                return super().obey_too(command)


def _manner(command: dict[str, Any]) -> Manner:
    """How the phone is to send. Raises ValueError."""
    order, reference = command.get("order", []), command.get("reference")
    if not (isinstance(order, list) and all(isinstance(number, int) for number in order)):
        raise CommandRefused("order: must be a list of numbers")
    if not isinstance(reference, int | None):
        raise CommandRefused("reference: must be a number")
    return Manner(
        header=command.get("header", "udh8"),
        naive=bool(command.get("naive")),
        order=tuple(order),
        reference=reference,
    )
