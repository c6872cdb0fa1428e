"""What a command_status means for a message, a bind or an account: one table, movable per provider.

The groups say what kind of failure it is; what is done about it is decided above (`dialects`, `outbound`).
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType


class StatusGroup(Enum):
    """The values are the words a provider's `status` overrides use in the configuration."""

    OK = "ok"
    PERMANENT = "permanent"
    OPERATION_FAILED = "operation"
    RETRY_LATER = "retry"
    THROTTLED = "throttled"
    BIND_DOWN = "bind"
    ACCOUNT = "account"


_VENDOR_RANGE_STARTS = 0x400

_CODES: Mapping[StatusGroup, Iterable[int]] = {
    StatusGroup.OK: (0x00,),
    StatusGroup.PERMANENT: (
        *(
            0x01,
            0x06,
            0x07,
            0x0A,
            0x0B,
            0x0C,
            0x15,
            0x33,
            0x34,
            0x40,
            0x42,
            0x43,
            0x44,
            0x48,
            0x49,
            0x50,
            0x51,
        ),
        *(0x54, 0x55, 0x61, 0x62, 0x63, 0x65, 0x66, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0x104),
        *(0x22, 0x9F),  # Infobip: network not covered, and its kin
        *(
            0x16,
            0x4A,
            0x4B,
            0x4E,
        ),  # 0x15, 0x50, 0x51, 0x54 of servers that write them in decimal
    ),
    StatusGroup.OPERATION_FAILED: (0x11, 0x13, 0x67),
    StatusGroup.RETRY_LATER: (0x08, 0x14, 0x45, 0x64, 0xFE, 0xFF, 0x102, 0x431, 0x4A1, 0x4FF),
    StatusGroup.THROTTLED: (0x58,),
    StatusGroup.BIND_DOWN: (0x02, 0x03, 0x04, 0x05, 0x0D),
    StatusGroup.ACCOUNT: (
        *(0x0E, 0x0F, 0x53, 0x100, 0x101, 0x103),
        0x4D,  # 0x53, decimal
        *(0x401, 0x402, 0x403),  # Route Mobile, Hollatags: no credit, limit reached, frozen
    ),
}
_GROUPS: Mapping[int, StatusGroup] = {status: group for group, codes in _CODES.items() for status in codes}

_NO_OVERRIDES: Mapping[int, StatusGroup] = MappingProxyType({})


def status_group(status: int, overrides: Mapping[int, StatusGroup] = _NO_OVERRIDES) -> StatusGroup:
    """The group of this status: the provider's override, else the table's, else by range.

    A code in no list is permanent from 0x400 up (vendors refuse there), below it worth another try.
    """
    group = overrides.get(status) or _GROUPS.get(status)
    if group is not None:
        return group
    return StatusGroup.PERMANENT if status >= _VENDOR_RANGE_STARTS else StatusGroup.RETRY_LATER
