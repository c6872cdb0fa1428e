"""From a stream of octets to PDUs and back: the header (3.2) and nothing of the body."""

from struct import Struct
from typing import NamedTuple

from bridge.smpp.consts import MAX_PDU_OCTETS

HEADER = Struct(">IIII")
HEADER_OCTETS = HEADER.size
_LENGTH = Struct(">I")


class Frame(NamedTuple):
    """One PDU with its header read: three unsigned 32-bit numbers and the octets behind them."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


def build_pdu(command_id: int, command_status: int, sequence_number: int, body: bytes = b"") -> bytes:
    """One whole PDU: its header and its body."""
    return HEADER.pack(HEADER_OCTETS + len(body), command_id, command_status, sequence_number) + body


class Framer:
    """Cuts a stream into PDUs, however it was cut into reads.

    `broken` names what made the stream unreadable: a command_length below 16 or above MAX_PDU_OCTETS. Nobody
    can tell where the next PDU begins then, so nothing more comes out; what was whole before it has come out.
    """

    __slots__ = ("_held", "_held_octets", "_wanted_octets", "broken")

    def __init__(self) -> None:
        self.broken: str | None = None
        # Reads are joined only when they can make a PDU: a long one in many small reads stays linear.
        self._held: list[bytes] = []
        self._held_octets = 0
        self._wanted_octets = _LENGTH.size

    def feed(self, data: bytes) -> list[Frame]:
        """The PDUs that these octets complete. Never raises."""
        frames: list[Frame] = []
        if self.broken is not None:
            return frames
        if self._held:
            self._held.append(data)
            self._held_octets += len(data)
            if self._held_octets < self._wanted_octets:
                return frames
            data = b"".join(self._held)
        rest = self._cut(data, frames)
        self._held = [rest] if rest else []
        self._held_octets = len(rest)
        return frames

    def _cut(self, data: bytes, frames: list[Frame]) -> bytes:
        """Appends the whole PDUs to `frames` and gives back what is left over."""
        at = 0
        left = len(data)
        self._wanted_octets = _LENGTH.size
        while left >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, at)
            if not HEADER_OCTETS <= length <= MAX_PDU_OCTETS:
                self.broken = f"command_length {length}"
                return b""
            if left < length:
                self._wanted_octets = length
                break
            _, command_id, command_status, sequence_number = HEADER.unpack_from(data, at)
            frames.append(
                Frame(command_id, command_status, sequence_number, data[at + HEADER_OCTETS : at + length])
            )
            at += length
            left -= length
        return data[at:]
