"""The vocabulary agrees with an independent implementation, and speaks to people."""

import pytest
import smpp34

from bridge.smpp import consts


def test_statuses_and_tags_are_those_of_smpp34() -> None:
    shared = [name for name in dir(smpp34) if name.startswith(("ESME_", "TLV_")) and hasattr(consts, name)]
    assert len(shared) > 20
    assert {name: getattr(consts, name) for name in shared} == {
        name: getattr(smpp34, name) for name in shared
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "ESME_ROK (0x00)"),
        (0x58, "ESME_RTHROTTLED (0x58)"),
        (0x104, "ESME_RINVDCS (0x104)"),
        (0x4A1, "vendor status (0x4A1)"),
        (0x09, "unknown status (0x09)"),
        (0xFFFFFFFF, "unknown status (0xFFFFFFFF)"),
    ],
)
def test_a_status_is_described(status: int, said: str) -> None:
    assert consts.describe_status(status) == said


def test_a_command_is_described() -> None:
    assert consts.describe_command(consts.DATA_SM_RESP) == "data_sm_resp"
    assert consts.describe_command(0x99) == "command 0x00000099"
