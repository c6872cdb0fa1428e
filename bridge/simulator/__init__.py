"""Floor 4: providers to try things on. Shipped and scriptable; the worker never imports it.

`Network` is a provider, `SimulatedSite` one of its data centres, `SimulatedSmsc` one of its nodes; `Handsets` shows
what arrives on phones, `Manner` is how they send long texts; `faults` holds the misbehaviours, one small class each.
"""

from bridge.simulator.behaviour import Behaviour
from bridge.simulator.handsets import Handsets
from bridge.simulator.network import Network
from bridge.simulator.records import Delivery, Parcel, Submit, Way
from bridge.simulator.smsc import SimulatedSite, SimulatedSmsc
from bridge.simulator.writing import Manner

__all__ = [
    "Behaviour",
    "Delivery",
    "Handsets",
    "Manner",
    "Network",
    "Parcel",
    "SimulatedSite",
    "SimulatedSmsc",
    "Submit",
    "Way",
]
