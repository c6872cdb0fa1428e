"""The vocabulary of SMPP 3.4: command ids, statuses, TLV tags and values, under the specification's names.

The values are smpplib's; only what smpplib lacks is written as a number: the codes of SMPP 5.0 that 3.4 peers
send, tag 0x0428, and the esm_class types of receipts. Names are collected here, meanings in `status.py`.
"""

from collections.abc import Mapping
from typing import Final

from smpplib import command_codes
from smpplib import consts as vocabulary

_commands: Mapping[str, int] = command_codes.commands
_tags: Mapping[str, int] = vocabulary.OPTIONAL_PARAMS

RESPONSE: Final = 0x80000000
"""The bit of command_id that makes a response of a request (5.1.2.1)."""

GENERIC_NACK: Final[int] = _commands["generic_nack"]
BIND_RECEIVER: Final[int] = _commands["bind_receiver"]
BIND_TRANSMITTER: Final[int] = _commands["bind_transmitter"]
BIND_TRANSCEIVER: Final[int] = _commands["bind_transceiver"]
BIND_RECEIVER_RESP: Final[int] = _commands["bind_receiver_resp"]
BIND_TRANSMITTER_RESP: Final[int] = _commands["bind_transmitter_resp"]
BIND_TRANSCEIVER_RESP: Final[int] = _commands["bind_transceiver_resp"]
OUTBIND: Final[int] = _commands["outbind"]
UNBIND: Final[int] = _commands["unbind"]
UNBIND_RESP: Final[int] = _commands["unbind_resp"]
ENQUIRE_LINK: Final[int] = _commands["enquire_link"]
ENQUIRE_LINK_RESP: Final[int] = _commands["enquire_link_resp"]
SUBMIT_SM: Final[int] = _commands["submit_sm"]
SUBMIT_SM_RESP: Final[int] = _commands["submit_sm_resp"]
DELIVER_SM: Final[int] = _commands["deliver_sm"]
DELIVER_SM_RESP: Final[int] = _commands["deliver_sm_resp"]
DATA_SM: Final[int] = _commands["data_sm"]
DATA_SM_RESP: Final[int] = _commands["data_sm_resp"]
ALERT_NOTIFICATION: Final[int] = _commands["alert_notification"]

ESME_ROK: Final[int] = vocabulary.SMPP_ESME_ROK
ESME_RINVMSGLEN: Final[int] = vocabulary.SMPP_ESME_RINVMSGLEN
ESME_RINVCMDLEN: Final[int] = vocabulary.SMPP_ESME_RINVCMDLEN
ESME_RINVCMDID: Final[int] = vocabulary.SMPP_ESME_RINVCMDID
ESME_RINVBNDSTS: Final[int] = vocabulary.SMPP_ESME_RINVBNDSTS
ESME_RALYBND: Final[int] = vocabulary.SMPP_ESME_RALYBND
ESME_RINVPRTFLG: Final[int] = vocabulary.SMPP_ESME_RINVPRTFLG
ESME_RINVREGDLVFLG: Final[int] = vocabulary.SMPP_ESME_RINVREGDLVFLG
ESME_RSYSERR: Final[int] = vocabulary.SMPP_ESME_RSYSERR
ESME_RINVSRCADR: Final[int] = vocabulary.SMPP_ESME_RINVSRCADR
ESME_RINVDSTADR: Final[int] = vocabulary.SMPP_ESME_RINVDSTADR
ESME_RINVMSGID: Final[int] = vocabulary.SMPP_ESME_RINVMSGID
ESME_RBINDFAIL: Final[int] = vocabulary.SMPP_ESME_RBINDFAIL
ESME_RINVPASWD: Final[int] = vocabulary.SMPP_ESME_RINVPASWD
ESME_RINVSYSID: Final[int] = vocabulary.SMPP_ESME_RINVSYSID
ESME_RCANCELFAIL: Final[int] = vocabulary.SMPP_ESME_RCANCELFAIL
ESME_RREPLACEFAIL: Final[int] = vocabulary.SMPP_ESME_RREPLACEFAIL
ESME_RMSGQFUL: Final[int] = vocabulary.SMPP_ESME_RMSGQFUL
ESME_RINVSERTYP: Final[int] = vocabulary.SMPP_ESME_RINVSERTYP
ESME_RINVNUMDESTS: Final[int] = vocabulary.SMPP_ESME_RINVNUMDESTS
ESME_RINVDLNAME: Final[int] = vocabulary.SMPP_ESME_RINVDLNAME
ESME_RINVDESTFLAG: Final[int] = vocabulary.SMPP_ESME_RINVDESTFLAG
ESME_RINVSUBREP: Final[int] = vocabulary.SMPP_ESME_RINVSUBREP
ESME_RINVESMCLASS: Final[int] = vocabulary.SMPP_ESME_RINVESMCLASS
ESME_RCNTSUBDL: Final[int] = vocabulary.SMPP_ESME_RCNTSUBDL
ESME_RSUBMITFAIL: Final[int] = vocabulary.SMPP_ESME_RSUBMITFAIL
ESME_RINVSRCTON: Final[int] = vocabulary.SMPP_ESME_RINVSRCTON
ESME_RINVSRCNPI: Final[int] = vocabulary.SMPP_ESME_RINVSRCNPI
ESME_RINVDSTTON: Final[int] = vocabulary.SMPP_ESME_RINVDSTTON
ESME_RINVDSTNPI: Final[int] = vocabulary.SMPP_ESME_RINVDSTNPI
ESME_RINVSYSTYP: Final[int] = vocabulary.SMPP_ESME_RINVSYSTYP
ESME_RINVREPFLAG: Final[int] = vocabulary.SMPP_ESME_RINVREPFLAG
ESME_RINVNUMMSGS: Final[int] = vocabulary.SMPP_ESME_RINVNUMMSGS
ESME_RTHROTTLED: Final[int] = vocabulary.SMPP_ESME_RTHROTTLED
ESME_RINVSCHED: Final[int] = vocabulary.SMPP_ESME_RINVSCHED
ESME_RINVEXPIRY: Final[int] = vocabulary.SMPP_ESME_RINVEXPIRY
ESME_RINVDFTMSGID: Final[int] = vocabulary.SMPP_ESME_RINVDFTMSGID
ESME_RX_T_APPN: Final[int] = vocabulary.SMPP_ESME_RX_T_APPN
ESME_RX_P_APPN: Final[int] = vocabulary.SMPP_ESME_RX_P_APPN
ESME_RX_R_APPN: Final[int] = vocabulary.SMPP_ESME_RX_R_APPN
ESME_RQUERYFAIL: Final[int] = vocabulary.SMPP_ESME_RQUERYFAIL
ESME_RINVOPTPARSTREAM: Final[int] = vocabulary.SMPP_ESME_RINVOPTPARSTREAM
ESME_ROPTPARNOTALLWD: Final[int] = vocabulary.SMPP_ESME_ROPTPARNOTALLWD
ESME_RINVPARLEN: Final[int] = vocabulary.SMPP_ESME_RINVPARLEN
ESME_RMISSINGOPTPARAM: Final[int] = vocabulary.SMPP_ESME_RMISSINGOPTPARAM
ESME_RINVOPTPARAMVAL: Final[int] = vocabulary.SMPP_ESME_RINVOPTPARAMVAL
ESME_RDELIVERYFAILURE: Final[int] = vocabulary.SMPP_ESME_RDELIVERYFAILURE
ESME_RUNKNOWNERR: Final[int] = vocabulary.SMPP_ESME_RUNKNOWNERR
# SMPP 5.0, table 4-45; 3.4 peers send them too.
ESME_RSERTYPUNAUTH: Final = 0x100
ESME_RPROHIBITED: Final = 0x101
ESME_RSERTYPUNAVAIL: Final = 0x102
ESME_RSERTYPDENIED: Final = 0x103
ESME_RINVDCS: Final = 0x104

TLV_ADDITIONAL_STATUS_INFO_TEXT: Final[int] = _tags["additional_status_info_text"]
TLV_RECEIPTED_MESSAGE_ID: Final[int] = _tags["receipted_message_id"]
TLV_USER_MESSAGE_REFERENCE: Final[int] = _tags["user_message_reference"]
TLV_SOURCE_PORT: Final[int] = _tags["source_port"]
TLV_DESTINATION_PORT: Final[int] = _tags["destination_port"]
TLV_SAR_MSG_REF_NUM: Final[int] = _tags["sar_msg_ref_num"]
TLV_SAR_TOTAL_SEGMENTS: Final[int] = _tags["sar_total_segments"]
TLV_SAR_SEGMENT_SEQNUM: Final[int] = _tags["sar_segment_seqnum"]
TLV_SC_INTERFACE_VERSION: Final[int] = _tags["sc_interface_version"]
TLV_NETWORK_ERROR_CODE: Final[int] = _tags["network_error_code"]
TLV_MESSAGE_PAYLOAD: Final[int] = _tags["message_payload"]
TLV_MESSAGE_STATE: Final[int] = _tags["message_state"]
TLV_CONGESTION_STATE: Final = 0x0428

TON_UNKNOWN: Final[int] = vocabulary.SMPP_TON_UNK
TON_INTERNATIONAL: Final[int] = vocabulary.SMPP_TON_INTL
TON_NATIONAL: Final[int] = vocabulary.SMPP_TON_NATNL
TON_NETWORK_SPECIFIC: Final[int] = vocabulary.SMPP_TON_NWSPEC
TON_SUBSCRIBER: Final[int] = vocabulary.SMPP_TON_SBSCR
TON_ALPHANUMERIC: Final[int] = vocabulary.SMPP_TON_ALNUM
TON_ABBREVIATED: Final[int] = vocabulary.SMPP_TON_ABBREV
NPI_UNKNOWN: Final[int] = vocabulary.SMPP_NPI_UNK
NPI_ISDN: Final[int] = vocabulary.SMPP_NPI_ISDN

ESM_CLASS_TYPE_MASK: Final = 0x3C
"""Bits 5 to 2 of esm_class: the message type (5.2.12)."""
ESM_CLASS_RECEIPT: Final = 0x04
ESM_CLASS_DELIVERY_ACK: Final[int] = vocabulary.SMPP_MSGTYPE_DELIVERYACK
ESM_CLASS_USER_ACK: Final[int] = vocabulary.SMPP_MSGTYPE_USERACK
ESM_CLASS_CONVERSATION_ABORT: Final = 0x18
ESM_CLASS_INTERMEDIATE: Final = 0x20
ESM_CLASS_UDHI: Final[int] = vocabulary.SMPP_GSMFEAT_UDHI

RECEIPT_NONE: Final[int] = vocabulary.SMPP_SMSC_DELIVERY_RECEIPT_NONE
RECEIPT_ALWAYS: Final[int] = vocabulary.SMPP_SMSC_DELIVERY_RECEIPT_BOTH
RECEIPT_ON_FAILURE: Final[int] = vocabulary.SMPP_SMSC_DELIVERY_RECEIPT_FAILURE
RECEIPT_INTERMEDIATE: Final[int] = vocabulary.SMPP_INT_NOTIFICATION_REQUESTED

DATA_CODING_DEFAULT: Final[int] = vocabulary.SMPP_ENCODING_DEFAULT
DATA_CODING_ASCII: Final[int] = vocabulary.SMPP_ENCODING_IA5
DATA_CODING_LATIN1: Final[int] = vocabulary.SMPP_ENCODING_ISO88591
DATA_CODING_BINARY: Final[int] = vocabulary.SMPP_ENCODING_BINARY2
DATA_CODING_UCS2: Final[int] = vocabulary.SMPP_ENCODING_ISO10646

INTERFACE_VERSION: Final[int] = vocabulary.SMPP_VERSION_34
MAX_SEQUENCE: Final = 0x7FFFFFFF
MAX_PDU_OCTETS: Final = 70_000
"""The longest PDU taken or built: a message_payload of 64 KiB and all its company."""

_VENDOR_STATUSES = range(0x400, 0x500)
_STATUS_NAMES: Mapping[int, str] = {
    value: name for name, value in globals().items() if name.startswith("ESME_")
}
_COMMAND_NAMES: Mapping[int, str] = {value: name for name, value in _commands.items()}


def describe_status(status: int) -> str:
    """A command_status for people: "ESME_RTHROTTLED (0x58)", "vendor status (0x4A1)", or "unknown status"."""
    name = _STATUS_NAMES.get(status)
    if name is None:
        name = "vendor status" if status in _VENDOR_STATUSES else "unknown status"
    return f"{name} (0x{status:02X})"


def describe_command(command_id: int) -> str:
    """A command_id for people: "submit_sm", or "command 0x00000099" for one that SMPP 3.4 does not have."""
    return _COMMAND_NAMES.get(command_id) or f"command 0x{command_id:08X}"
