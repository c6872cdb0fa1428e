"""The peer's messages that await our answer: taken, refused, answered. Each gets exactly one response."""

from collections.abc import Callable, Mapping

from bridge.smpp.codec import (
    BadPdu,
    build_data_sm_resp,
    build_deliver_sm_resp,
    decode_data_sm,
    decode_deliver_sm,
)
from bridge.smpp.consts import DATA_SM, DELIVER_SM, ESME_RX_R_APPN
from bridge.smpp.events import BadPduReceived, DeliverReceived
from bridge.smpp.framing import Frame
from bridge.smpp.pdus import DeliverSm

_Builder = Callable[[int, int], bytes]

_DECODERS: Mapping[int, Callable[[bytes], DeliverSm]] = {
    DELIVER_SM: decode_deliver_sm,
    DATA_SM: decode_data_sm,
}
_BUILDERS: Mapping[int, _Builder] = {DELIVER_SM: build_deliver_sm_resp, DATA_SM: build_data_sm_resp}


class Owed:
    """At most `limit` messages that are owed an answer. Responses are appended to `out`."""

    __slots__ = ("_builders", "_busy_status", "_limit", "_out")

    def __init__(self, out: list[bytes], limit: int, busy_status: int) -> None:
        self._out = out
        self._limit = limit
        self._busy_status = busy_status
        self._builders: dict[int, _Builder] = {}

    def take(self, frame: Frame) -> DeliverReceived | BadPduReceived | None:
        """What this deliver_sm or data_sm says. None where it was refused for now: too many, or its number in use.

        One that cannot be read is refused for good: it would not read better a second time.
        """
        number = frame.sequence_number
        if len(self._builders) >= self._limit or number in self._builders:
            self.refuse(frame)
            return None
        build = _BUILDERS[frame.command_id]
        try:
            pdu = _DECODERS[frame.command_id](frame.body)
        except BadPdu as bad:
            self._out.append(build(number, ESME_RX_R_APPN))
            return BadPduReceived(frame.command_id, number, str(bad))
        self._builders[number] = build
        return DeliverReceived(number, pdu)

    def refuse(self, frame: Frame) -> None:
        """Refuses a message for now, so that the peer keeps it."""
        self._out.append(_BUILDERS[frame.command_id](frame.sequence_number, self._busy_status))

    def answer(self, sequence_number: int, command_status: int) -> bool:
        """Answers a message that was taken; False if it is owed no answer (any more)."""
        build = self._builders.pop(sequence_number, None)
        if build is None:
            return False
        self._out.append(build(sequence_number, command_status))
        return True

    def clear(self) -> None:
        """Nothing is owed to a peer that is gone."""
        self._builders.clear()
