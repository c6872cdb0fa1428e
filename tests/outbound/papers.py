"""Deliveries that only a test holds."""

from bridge.broker.message import Delivery, Properties


class _Nowhere:
    alive = True

    def is_open(self, _tag: int) -> bool:
        return False

    def ack(self, _tag: int) -> None:
        raise AssertionError("it is on paper only")

    requeue = ack


def paper() -> Delivery:
    """A delivery with nothing in it, which nobody may settle."""
    return Delivery(_Nowhere(), 1, b"", "", "", redelivered=False, properties=Properties())
