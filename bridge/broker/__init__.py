"""RabbitMQ through aio-pika: connections that are kept up, deliveries that are settled once, publishes that end in
exactly one answer. Knows nothing of SMS: bodies are octets here. No object or exception of the library leaves.
"""

from bridge.broker.broker import Broker
from bridge.broker.errors import BrokerUnavailable, TopologyError
from bridge.broker.message import Confirmation, Delivery, Outgoing, Properties, forward
from bridge.broker.publisher import Publisher
from bridge.broker.subscription import Subscription
from bridge.broker.topology import topology

__all__ = [
    "Broker",
    "BrokerUnavailable",
    "Confirmation",
    "Delivery",
    "Outgoing",
    "Properties",
    "Publisher",
    "Subscription",
    "TopologyError",
    "forward",
    "topology",
]
