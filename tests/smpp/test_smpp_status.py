"""Statuses fall into the groups of smpp-in-the-wild, and providers may move them."""

import pytest

from bridge.smpp.consts import describe_status
from bridge.smpp.status import StatusGroup, status_group

GROUPS = {
    StatusGroup.OK: [0x00],
    StatusGroup.PERMANENT: [
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
        *(0x22, 0x9F, 0x400, 0x404, 0x405, 0x40A, 0x412, 0x430, 0x432, 0x433, 0x4A, 0x4B, 0x4E, 0x16),
    ],
    StatusGroup.OPERATION_FAILED: [0x11, 0x13, 0x67],
    StatusGroup.RETRY_LATER: [0x08, 0x14, 0x45, 0x64, 0xFE, 0xFF, 0x102, 0x431, 0x4FF, 0x4A1],
    StatusGroup.THROTTLED: [0x58],
    StatusGroup.BIND_DOWN: [0x02, 0x03, 0x04, 0x05, 0x0D],
    StatusGroup.ACCOUNT: [0x0E, 0x0F, 0x53, 0x4D, 0x100, 0x101, 0x103, 0x401, 0x402, 0x403],
}


@pytest.mark.parametrize(
    ("status", "group"),
    [(status, group) for group, statuses in GROUPS.items() for status in statuses],
    ids=lambda value: describe_status(value) if isinstance(value, int) else value.name,
)
def test_the_table(status: int, group: StatusGroup) -> None:
    assert status_group(status) is group


def test_a_code_in_no_list() -> None:
    assert status_group(0x09) is StatusGroup.RETRY_LATER
    assert status_group(0x3FF) is StatusGroup.RETRY_LATER
    assert status_group(0x4F0) is StatusGroup.PERMANENT
    assert status_group(0xFFFFFFFF) is StatusGroup.PERMANENT


def test_a_provider_moves_a_code() -> None:
    overrides = {0xFF: StatusGroup("account"), 0x4F0: StatusGroup("retry")}
    assert status_group(0xFF, overrides) is StatusGroup.ACCOUNT
    assert status_group(0x4F0, overrides) is StatusGroup.RETRY_LATER
    assert status_group(0x58, overrides) is StatusGroup.THROTTLED


def test_the_words_of_the_configuration() -> None:
    words = {"permanent", "retry", "throttled", "bind", "account", "ok"}
    assert words <= {group.value for group in StatusGroup}
