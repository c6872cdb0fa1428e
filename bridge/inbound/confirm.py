"""Several messages published once each, and one verdict on them: whether RabbitMQ has confirmed all."""

from collections.abc import Callable, Sequence

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.outbox import PublisherPort


def publish_all(publisher: PublisherPort, messages: Sequence[Outgoing], then: Callable[[bool], None]) -> None:
    """Publish them; `then` is called once, when each is answered: True only if each is confirmed."""
    left, safe = len(messages), True
    if not messages:
        then(True)
        return

    def answered(confirmation: Confirmation) -> None:
        nonlocal left, safe
        left -= 1
        safe = safe and confirmation is Confirmation.CONFIRMED
        if not left:
            then(safe)

    for message in messages:
        publisher.publish(message, answered)
