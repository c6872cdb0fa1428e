"""The eight promises of `session.py`, held against a peer that may say anything, in any order, at any time.

The shell of the machine below does what a real one does, with one freedom: it writes when it likes, so that
submits may end unwritten.
"""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.smpp import cold, consts
from bridge.smpp.codec import build_submit_sm_resp, encode_data_sm, encode_deliver_sm
from bridge.smpp.events import DeliverReceived, Event, LateAnswer, SessionClosed, SubmitAnswered, SubmitLost
from bridge.smpp.framing import Frame, Framer, build_pdu
from bridge.smpp.pdus import DataSm, DeliverSm
from bridge.smpp.session import BindMode, EsmeSession, SessionSettings, SessionState

MO = encode_deliver_sm(DeliverSm(short_message=b"hi"))
DATA = encode_data_sm(DataSm(tlvs=((0x0424, b"hi"),)))
NUMBERS = st.integers(0, 12) | st.sampled_from([consts.MAX_SEQUENCE, 0xFFFFFFFF])
STATUSES = st.sampled_from([0, 0, 0, 3, 0x0D, 0x14, 0x58, 0x4A1, 0xFFFFFFFF])
COMMANDS = st.sampled_from(
    [command for command in vars(consts).values() if isinstance(command, int)]
) | st.integers(0, 0xFFFFFFFF)
ANSWERED = frozenset({consts.ENQUIRE_LINK, consts.DELIVER_SM, consts.DATA_SM, consts.UNBIND})
SILENT = frozenset({consts.OUTBIND, consts.ALERT_NOTIFICATION})


def is_request(frame: Frame) -> bool:
    return not frame.command_id & consts.RESPONSE and frame.command_id not in SILENT


def answers_owed(frame: Frame) -> tuple[int, int]:
    """The command and number of the one response this request must get."""
    response = frame.command_id | consts.RESPONSE if frame.command_id in ANSWERED else consts.GENERIC_NACK
    return response, frame.sequence_number


class AnyPeer(RuleBasedStateMachine):
    """One session, its shell, and everything that was ever said."""

    @initialize(
        mode=st.sampled_from(BindMode),
        window=st.integers(1, 4),
        inactivity_s=st.none() | st.just(40.0),
        inbound_window=st.integers(1, 3),
    )
    def connect(self, mode: BindMode, window: int, inactivity_s: float | None, inbound_window: int) -> None:
        self.now = 0.0
        self.window = window
        self.session = EsmeSession(
            SessionSettings(
                system_id="esme",
                password="secret",
                mode=mode,
                window=window,
                session_init_s=10.0,
                enquire_link_s=15.0,
                response_timeout_s=20.0,
                inactivity_s=inactivity_s,
                inbound_window=inbound_window,
            ),
            self.now,
        )
        self.closed = False
        self.numbers: dict[int, int] = {}  # ref -> sequence number
        self.refs = 0
        self.ends: Counter[Any] = Counter()
        self.written: set[int] = set()  # sequence numbers of submit_sm that left
        self.asked: Counter[tuple[int, int]] = Counter()
        self.responses: Counter[tuple[int, int]] = Counter()
        self.owed: list[int] = []
        self.heard: list[bytes] = []

    def note(self, events: list[Event]) -> None:
        assert not (self.closed and events)
        for event in events:
            assert not self.closed, "SessionClosed is the last event"
            match event:
                case SubmitAnswered(ref, number, _, _):
                    assert number in self.written
                    self.ended(ref, number)
                case SubmitLost(ref, number, _, written):
                    assert written == (number in self.written)
                    self.ended(ref, number)
                case LateAnswer(ref, number, _, _):
                    assert self.numbers[ref] == number  # type: ignore[index]
                    assert self.ends[ref] == 1
                    self.ends[f"late {ref}"] += 1
                    assert self.ends[f"late {ref}"] == 1
                case DeliverReceived(number, _):
                    self.owed.append(number)
                case SessionClosed():
                    self.closed = True

    def ended(self, ref: object, number: int) -> None:
        assert self.numbers[ref] == number  # type: ignore[index]
        self.ends[ref] += 1

    def open_refs(self) -> list[int]:
        return [ref for ref in self.numbers if not self.ends[ref]]

    # The shell

    @rule()
    def write(self) -> None:
        was_closed = self.closed
        for frame in Framer().feed(self.session.data_to_send()):
            if frame.command_id == consts.SUBMIT_SM:
                assert not was_closed
                assert frame.sequence_number not in self.written
                self.written.add(frame.sequence_number)
            if frame.command_id & consts.RESPONSE:
                self.responses[frame.command_id, frame.sequence_number] += 1
        if was_closed:
            assert self.session.data_to_send() == b""

    @rule(seconds=st.floats(0.0, 25.0))
    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.note(self.session.tick(self.now))
        deadline = self.session.next_deadline()
        assert deadline is None or deadline > self.now

    @rule()
    def sleep_until_the_deadline(self) -> None:
        deadline = self.session.next_deadline()
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.note(self.session.tick(self.now))
            later = self.session.next_deadline()
            assert later is None or later > self.now

    # What the application asks

    @precondition(lambda self: self.session.state is SessionState.OPEN)
    @rule()
    def bind(self) -> None:
        self.session.bind(self.now)

    @precondition(lambda self: self.session.free)
    @rule()
    def submit(self) -> None:
        self.refs += 1
        number = self.session.submit(b"body", self.refs, self.now)
        assert 1 <= number <= consts.MAX_SEQUENCE
        assert number not in {self.numbers[ref] for ref in self.open_refs()}
        self.numbers[self.refs] = number

    @precondition(lambda self: self.owed)
    @rule(data=st.data(), status=STATUSES)
    def answer(self, data: st.DataObject, status: int) -> None:
        number = data.draw(st.sampled_from(self.owed))
        self.owed.remove(number)
        assert self.session.answer(number, status) == (not self.closed)
        assert not self.session.answer(number, status)

    @rule()
    def unbind(self) -> None:
        self.note(self.session.unbind(self.now))

    # What the peer does

    def hear(self, octets: bytes) -> None:
        was_closed = self.closed
        events = self.session.receive_data(octets, self.now)
        self.note(events)
        if not was_closed:
            for frame in Framer().feed(octets):
                if is_request(frame):
                    self.asked[answers_owed(frame)] += 1

    @precondition(lambda self: self.session.state is SessionState.BINDING)
    @rule(status=STATUSES)
    def answer_bind(self, status: int) -> None:
        self.hear(cold.build_bind_resp(consts.BIND_TRANSCEIVER, 1, status))

    @precondition(lambda self: self.written)
    @rule(data=st.data(), status=STATUSES, nack=st.booleans())
    def answer_submit(self, data: st.DataObject, status: int, nack: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.written)))
        resp = build_submit_sm_resp(number, status, message_id="id")
        self.hear(cold.build_generic_nack(number, status) if nack else resp)

    @rule(number=NUMBERS, data=st.booleans())
    def deliver(self, number: int, data: bool) -> None:
        pdu = (
            build_pdu(consts.DATA_SM, 0, number, DATA)
            if data
            else build_pdu(consts.DELIVER_SM, 0, number, MO)
        )
        self.hear(pdu)

    @rule(number=NUMBERS)
    def enquire(self, number: int) -> None:
        self.hear(cold.build_enquire_link(number))

    @rule(
        command=COMMANDS,
        status=STATUSES,
        number=NUMBERS,
        body=st.sampled_from([b"", MO]) | st.binary(max_size=40),
    )
    def say_anything(self, command: int, status: int, number: int, body: bytes) -> None:
        self.hear(build_pdu(command, status, number, body))

    @precondition(lambda self: self.session.in_flight > 1)
    @rule(length=st.integers(0, 15) | st.integers(consts.MAX_PDU_OCTETS + 1, 0xFFFFFFFF))
    def break_the_stream(self, length: int) -> None:
        self.note(self.session.receive_data(length.to_bytes(4, "big"), self.now))
        assert self.closed

    @precondition(lambda self: self.session.in_flight > 1)
    @rule()
    def hang_up(self) -> None:
        self.note(self.session.receive_eof(self.now))
        assert self.closed

    # What always holds

    @invariant()
    def submits_end_once(self) -> None:
        assert all(self.ends[ref] <= 1 for ref in self.numbers)
        assert len(self.open_refs()) == self.session.in_flight <= self.window
        if self.closed:
            assert not self.open_refs()

    @invariant()
    def its_view_of_itself_is_one(self) -> None:
        session = self.session
        assert self.closed == (session.state is SessionState.CLOSED)
        assert session.free == (self.window - session.in_flight if session.can_submit else 0)
        if self.closed:
            assert session.next_deadline() is None
            assert not session.can_submit

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        self.write()
        for request, count in self.asked.items():
            if request[1]:  # the nack of a broken stream has number 0, too
                assert self.responses[request] <= count
        if not self.closed:
            # Each has its response, but for the messages that are still owed theirs.
            owed = Counter(self.owed)
            for (command, number), count in self.asked.items():
                missing = count - self.responses[command, number]
                assert missing == 0 or (missing == 1 and owed[number] == 1)
        self.note(self.session.receive_eof(self.now))
        assert self.closed
        assert not self.open_refs()


AnyPeer.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyPeer = AnyPeer.TestCase


PEER_PDUS = st.one_of(
    st.builds(build_submit_sm_resp, st.integers(0, 6), STATUSES, st.just("id")),
    st.builds(
        lambda number, body: build_pdu(consts.DELIVER_SM, 0, number, body),
        NUMBERS,
        st.sampled_from([MO, MO[:9]]),
    ),
    st.builds(cold.build_enquire_link, NUMBERS),
    st.builds(cold.build_generic_nack, NUMBERS, STATUSES),
    st.builds(build_pdu, COMMANDS, STATUSES, NUMBERS, st.binary(max_size=20)),
    st.sampled_from([b"\0\0\0\x05", b"GET / HTTP/1.1\r\n"]),
)


def told(chunks: list[bytes]) -> tuple[list[Event], bytes]:
    """What a bound session with four submits in flight makes of these reads: events and octets."""
    session = EsmeSession(SessionSettings(system_id="esme", password="secret"), 0.0)
    session.bind(0.0)
    session.receive_data(cold.build_bind_resp(consts.BIND_TRANSCEIVER, 1), 0.0)
    for ref in range(4):
        session.submit(b"body", ref, 0.0)
    session.data_to_send()
    events = [event for chunk in chunks for event in session.receive_data(chunk, 1.0)]
    return events, session.data_to_send()


@given(pdus=st.lists(PEER_PDUS, max_size=6), data=st.data())
@settings(deadline=None)
def test_any_cutting_tells_the_same(pdus: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pdus)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert told(chunks) == told([stream]) == told([bytes((octet,)) for octet in stream])


@given(chunks=st.lists(st.binary(max_size=200), max_size=5))
@settings(deadline=None)
def test_no_octets_raise(chunks: list[bytes]) -> None:
    told(chunks)


@given(pdu=PEER_PDUS, data=st.data())
@settings(deadline=None)
def test_no_damage_raises(pdu: bytes, data: st.DataObject) -> None:
    damaged = bytearray(pdu)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    told([bytes(damaged), deliver_behind()])


def deliver_behind() -> bytes:
    """A whole message behind the damage: it is read, swallowed by a wrong length, or the session is closed."""
    return build_pdu(consts.DELIVER_SM, 0, 99, MO)
