"""The eight promises of `session.py`, held against a peer that may say anything, in any order, at any time.

The shell of the machine below does what a real one does, with one freedom: it writes when it likes, so that
submits may end unwritten.
"""

from collections import Counter

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
KNOWN_COMMANDS = [
    value
    for name, value in vars(consts).items()
    if isinstance(value, int) and consts.describe_command(value) == name.lower()
]
COMMANDS = st.sampled_from(KNOWN_COMMANDS) | st.integers(0, 0xFFFFFFFF)
ANSWERED = frozenset({consts.ENQUIRE_LINK, consts.DELIVER_SM, consts.DATA_SM, consts.UNBIND})
SILENT = frozenset({consts.OUTBIND, consts.ALERT_NOTIFICATION})


def is_request(frame: Frame) -> bool:
    return not frame.command_id & consts.RESPONSE and frame.command_id not in SILENT


def answers_owed(frame: Frame) -> tuple[int, int]:
    """The command and number of the one response this request must get."""
    response = frame.command_id | consts.RESPONSE if frame.command_id in ANSWERED else consts.GENERIC_NACK
    return response, frame.sequence_number


class AnyPeer(RuleBasedStateMachine):
    """One session, its shell, and everything that was ever said.

    `patience` keeps what ends a session back for so many steps: most runs are to get somewhere first.
    """

    @initialize(
        mode=st.sampled_from([BindMode.TRANSCEIVER, *BindMode]),
        handshake=st.sampled_from([True, True, True, False]),
        patience=st.integers(0, 40),
        window=st.integers(1, 4),
        inactivity_s=st.sampled_from([None, 30.0]),
        inbound_window=st.integers(1, 3),
    )
    def connect(
        self,
        mode: BindMode,
        handshake: bool,
        patience: int,
        window: int,
        inactivity_s: float | None,
        inbound_window: int,
    ) -> None:
        self.now = 0.0
        self.patience = patience
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
        self.farewell_taken = False
        self.numbers: dict[int, int] = {}  # ref -> sequence number
        self.ends: Counter[int] = Counter()
        self.late_ends: Counter[int] = Counter()
        self.written: set[int] = set()  # sequence numbers of the submit_sm that left
        self.asked: Counter[tuple[int, int]] = Counter()
        self.responses: Counter[tuple[int, int]] = Counter()
        self.owed: list[int] = []
        if handshake:
            self.session.bind(self.now)
            self.write()
            self.answer_bind(0)

    def note(self, events: list[Event]) -> None:
        for event in events:
            assert not self.closed, "SessionClosed is the last event"
            match event:
                case SubmitAnswered(int(ref), number, _, _):
                    assert number in self.written
                    self.ended(ref, number, self.ends)
                case SubmitLost(int(ref), number, _, written):
                    assert written == (number in self.written)
                    self.ended(ref, number, self.ends)
                case LateAnswer(int(ref), number, _, _):
                    assert self.ends[ref] == 1
                    self.ended(ref, number, self.late_ends)
                case DeliverReceived(number, _):
                    self.owed.append(number)
                case SessionClosed(reason):
                    self.closed = True
                    self.farewell_taken = not reason.startswith(("peer unbound", "broken stream"))
        self.patience -= 1

    def ended(self, ref: int, number: int, ends: Counter[int]) -> None:
        assert self.numbers[ref] == number
        ends[ref] += 1
        assert ends[ref] == 1

    def open_refs(self) -> list[int]:
        return [ref for ref in self.numbers if not self.ends[ref]]

    # The shell

    @rule()
    def write(self) -> None:
        frames = Framer().feed(self.session.data_to_send())
        if self.farewell_taken:
            assert frames == []
        self.farewell_taken = self.closed
        for frame in frames:
            if frame.command_id == consts.SUBMIT_SM:
                assert not self.closed
                assert frame.sequence_number not in self.written
                self.written.add(frame.sequence_number)
            if frame.command_id & consts.RESPONSE:
                self.responses[frame.command_id, frame.sequence_number] += 1

    @rule(seconds=st.floats(0.0, 10.0))
    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.tick()

    @rule()
    def sleep_until_the_deadline(self) -> None:
        deadline = self.session.next_deadline()
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.tick()

    def tick(self) -> None:
        self.note(self.session.tick(self.now))
        deadline = self.session.next_deadline()
        assert deadline is None or deadline > self.now

    # What the application asks

    @precondition(lambda self: self.session.state is SessionState.OPEN)
    @rule()
    def bind(self) -> None:
        self.session.bind(self.now)

    @precondition(lambda self: self.session.free)
    @rule(at_once=st.booleans())
    def submit(self, at_once: bool) -> None:
        ref = len(self.numbers)
        number = self.session.submit(b"body", ref, self.now)
        assert 1 <= number <= consts.MAX_SEQUENCE
        assert number not in self.numbers.values()
        self.numbers[ref] = number
        if at_once:
            self.write()

    @precondition(lambda self: self.owed)
    @rule(data=st.data(), status=STATUSES)
    def answer(self, data: st.DataObject, status: int) -> None:
        number = data.draw(st.sampled_from(self.owed))
        self.owed.remove(number)
        assert self.session.answer(number, status) == (not self.closed)
        assert not self.session.answer(number, status)

    @precondition(lambda self: self.patience < 0)
    @rule()
    def unbind(self) -> None:
        self.note(self.session.unbind(self.now))

    # What the peer does

    def hear(self, octets: bytes) -> None:
        heard = not self.closed
        self.note(self.session.receive_data(octets, self.now))
        if heard:
            self.asked.update(answers_owed(frame) for frame in Framer().feed(octets) if is_request(frame))

    @precondition(lambda self: self.session.state is SessionState.BINDING)
    @rule(status=STATUSES)
    def answer_bind(self, status: int) -> None:
        self.hear(cold.build_bind_resp(consts.BIND_TRANSCEIVER, 1, status))

    @precondition(lambda self: self.numbers)
    @rule(data=st.data(), status=STATUSES, nack=st.booleans())
    def answer_submit(self, data: st.DataObject, status: int, nack: bool) -> None:
        number = data.draw(st.sampled_from(list(self.numbers.values())))
        resp = build_submit_sm_resp(number, status, message_id="id")
        self.hear(cold.build_generic_nack(number, status) if nack else resp)

    @rule(number=NUMBERS, data=st.booleans())
    def deliver(self, number: int, data: bool) -> None:
        command, body = (consts.DATA_SM, DATA) if data else (consts.DELIVER_SM, MO)
        self.hear(build_pdu(command, 0, number, body))

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
        ends_it = command == consts.UNBIND or (command == consts.GENERIC_NACK and number == 0)
        if self.patience < 0 or not ends_it:
            self.hear(build_pdu(command, status, number, body))

    @precondition(lambda self: self.patience < 0)
    @rule(length=st.integers(0, 15) | st.integers(consts.MAX_PDU_OCTETS + 1, 0xFFFFFFFF))
    def break_the_stream(self, length: int) -> None:
        self.note(self.session.receive_data(length.to_bytes(4, "big"), self.now))
        assert self.closed

    @precondition(lambda self: self.patience < 0)
    @rule()
    def hang_up(self) -> None:
        self.note(self.session.receive_eof(self.now))
        assert self.closed

    # What always holds

    @invariant()
    def submits_end_once(self) -> None:
        assert len(self.open_refs()) == self.session.in_flight <= self.window
        assert not (self.closed and self.open_refs())

    @invariant()
    def its_view_of_itself_is_one(self) -> None:
        session = self.session
        assert self.closed == (session.state is SessionState.CLOSED)
        assert session.free == (self.window - session.in_flight if session.can_submit else 0)
        assert not (session.can_submit and session.stalled)
        if self.closed:
            assert session.next_deadline() is None
            assert not session.can_submit

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        self.write()
        owed = Counter(self.owed)
        for (command, number), count in self.asked.items():
            missing = count - self.responses[command, number]
            if self.closed:
                assert missing >= 0 or (command, number) == (consts.GENERIC_NACK, 0)
            else:
                assert missing == 0 or (missing == 1 and owed[number] == 1)
        self.note(self.session.receive_eof(self.now))
        assert self.closed
        assert not self.open_refs()


AnyPeer.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
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
