"""The states of an ESME's session and what moves them: two tables, and nothing that acts.

Theory of operation
-------------------
A session lives as long as its connection: it is OPEN when that is made and CLOSED when it ends, and is never used
twice. In between it goes one way:

    OPEN ── bind ──► BINDING ── accepted ──► BOUND_TX | BOUND_RX | BOUND_TRX ── unbind ──► DRAINING
                                                                                              │ window empty,
    CLOSED ◄── unbind_resp ── UNBINDING ◄── unbind sent ──────────────────────────────────────┘ or told again

From every state END leads to CLOSED: the peer unbound or refused us, the connection or the stream broke, a clock
ran out, or we left before we were bound. BOUND_* are the specification's states (2.2); DRAINING is still bound,
but submits nothing new; in UNBINDING our unbind is on its way.

TRANSITIONS says where a Turn leads. Turns come from our own calls and from the session's judgement of what the peer
said; a pair that is not there is a mistake of the caller.

REACTIONS says, for each state, what a PDU of the peer means. One that is not there is a stranger: unknown
responses are told and never answered, unknown requests are refused with generic_nack. CLOSED has no row: a
session that ended hears nothing. The lines that need a reason:

* Every state answers enquire_link and unbind: a peer that asks gets its answer whatever we wait for.
* deliver_sm and data_sm are taken in all bound states, BOUND_TX too: a peer that sends receipts the wrong way still
  has receipts. Before that, and behind our unbind, they are refused for now, so that the peer keeps them.
* submit_sm_resp counts until CLOSED: also behind our unbind an answer is better than doubt.
"""

from collections.abc import Mapping
from enum import Enum, auto

from bridge.smpp.consts import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER_RESP,
    BIND_TRANSCEIVER_RESP,
    BIND_TRANSMITTER_RESP,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    OUTBIND,
    RESPONSE,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)


class SessionState(Enum):
    """Where a session is; the names are the specification's where it has one (2.2)."""

    OPEN = auto()
    BINDING = auto()
    BOUND_TX = auto()
    BOUND_RX = auto()
    BOUND_TRX = auto()
    DRAINING = auto()
    UNBINDING = auto()
    CLOSED = auto()


class Turn(Enum):
    """What moves a session on."""

    BIND = auto()
    ACCEPTED_TX = auto()
    ACCEPTED_RX = auto()
    ACCEPTED_TRX = auto()
    LEAVE = auto()
    DRAINED = auto()
    END = auto()


class Reaction(Enum):
    """What a PDU of the peer means to the session. Each has one handler in `session.py`."""

    BIND_ANSWER = auto()
    SUBMIT_ANSWER = auto()
    ENQUIRY_ANSWER = auto()
    UNBIND_ANSWER = auto()
    NACK = auto()
    TAKE = auto()
    REFUSE_FOR_NOW = auto()
    ECHO = auto()
    PEER_LEAVES = auto()
    OUTBIND = auto()
    ALERT = auto()
    STRANGE_ANSWER = auto()
    STRANGE_REQUEST = auto()


_S, _T, _R = SessionState, Turn, Reaction

TRANSITIONS: Mapping[tuple[SessionState, Turn], SessionState] = {
    (_S.OPEN, _T.BIND): _S.BINDING,
    (_S.BINDING, _T.ACCEPTED_TX): _S.BOUND_TX,
    (_S.BINDING, _T.ACCEPTED_RX): _S.BOUND_RX,
    (_S.BINDING, _T.ACCEPTED_TRX): _S.BOUND_TRX,
    (_S.BOUND_TX, _T.LEAVE): _S.DRAINING,
    (_S.BOUND_RX, _T.LEAVE): _S.DRAINING,
    (_S.BOUND_TRX, _T.LEAVE): _S.DRAINING,
    (_S.DRAINING, _T.LEAVE): _S.UNBINDING,
    (_S.UNBINDING, _T.LEAVE): _S.UNBINDING,
    (_S.CLOSED, _T.LEAVE): _S.CLOSED,
    (_S.DRAINING, _T.DRAINED): _S.UNBINDING,
    **{(state, _T.END): _S.CLOSED for state in _S},
}

TRANSMITTING = frozenset({_S.BOUND_TX, _S.BOUND_TRX})
"""The states in which a submit may begin."""

_ALWAYS = {
    ENQUIRE_LINK: _R.ECHO,
    ENQUIRE_LINK_RESP: _R.ENQUIRY_ANSWER,
    UNBIND: _R.PEER_LEAVES,
    GENERIC_NACK: _R.NACK,
    OUTBIND: _R.OUTBIND,
    ALERT_NOTIFICATION: _R.ALERT,
}
_REFUSING = {**_ALWAYS, DELIVER_SM: _R.REFUSE_FOR_NOW, DATA_SM: _R.REFUSE_FOR_NOW}
_TAKING = {**_ALWAYS, DELIVER_SM: _R.TAKE, DATA_SM: _R.TAKE}

REACTIONS: Mapping[SessionState, Mapping[int, Reaction]] = {
    _S.OPEN: _REFUSING,
    _S.BINDING: {
        **_REFUSING,
        BIND_TRANSMITTER_RESP: _R.BIND_ANSWER,
        BIND_RECEIVER_RESP: _R.BIND_ANSWER,
        BIND_TRANSCEIVER_RESP: _R.BIND_ANSWER,
    },
    _S.BOUND_TX: {**_TAKING, SUBMIT_SM_RESP: _R.SUBMIT_ANSWER},
    _S.BOUND_RX: _TAKING,
    _S.BOUND_TRX: {**_TAKING, SUBMIT_SM_RESP: _R.SUBMIT_ANSWER},
    _S.DRAINING: {**_TAKING, SUBMIT_SM_RESP: _R.SUBMIT_ANSWER},
    _S.UNBINDING: {**_REFUSING, SUBMIT_SM_RESP: _R.SUBMIT_ANSWER, UNBIND_RESP: _R.UNBIND_ANSWER},
}


def strange(command_id: int) -> Reaction:
    """What a PDU means that the state's row does not have."""
    return Reaction.STRANGE_ANSWER if command_id & RESPONSE else Reaction.STRANGE_REQUEST
