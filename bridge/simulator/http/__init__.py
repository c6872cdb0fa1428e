"""HTTP providers to try things on: they take messages over HTTP, and call back with receipts and MOs.

`HttpProvider` is a provider, `HttpSite` one of its data centres; `faults` holds the misbehaviours, one small class
each, `genesys` and `twilio` how the kinds of provider speak.
"""

from bridge.simulator.http.behaviour import HttpBehaviour
from bridge.simulator.http.provider import HttpProvider
from bridge.simulator.http.records import Attachment, Callback, Request, Sent
from bridge.simulator.http.site import HttpSite

__all__ = ["Attachment", "Callback", "HttpBehaviour", "HttpProvider", "HttpSite", "Request", "Sent"]
