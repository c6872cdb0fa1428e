"""The tracker of settlements against a model of RabbitMQ's own bookkeeping, which answers any mistake with 406."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.acks import AckTracker, Settlement


class Channel:
    """What RabbitMQ remembers of a channel."""

    def __init__(self) -> None:
        self.unsettled: list[int] = []
        self.acked: set[int] = set()
        self.requeued: set[int] = set()

    def receive(self, frame: Settlement) -> None:
        assert frame.tag in self.unsettled, f"406 unknown delivery tag {frame.tag}"
        assert not (frame.multiple and frame.requeue)
        gone = [tag for tag in self.unsettled if tag == frame.tag or (frame.multiple and tag < frame.tag)]
        (self.requeued if frame.requeue else self.acked).update(gone)
        self.unsettled = [tag for tag in self.unsettled if tag not in gone]


STEPS = st.lists(
    st.one_of(
        st.just(("deliver", 0)),
        st.tuples(st.sampled_from(["ack", "requeue"]), st.integers(1, 40)),
        st.just(("take", 0)),
    ),
    max_size=200,
)


@given(STEPS)
def test_each_delivery_ends_as_it_was_first_settled_and_no_frame_is_wrong(
    steps: list[tuple[str, int]],
) -> None:
    tracker, channel = AckTracker(), Channel()
    delivered = 0
    wanted: dict[int, str] = {}

    def take() -> None:
        for frame in tracker.take():
            channel.receive(frame)
        assert channel.acked == {tag for tag, how in wanted.items() if how == "ack"}
        assert channel.requeued == {tag for tag, how in wanted.items() if how == "requeue"}

    for step, tag in [*steps, ("take", 0)]:
        match step:
            case "deliver":
                delivered += 1
                channel.unsettled.append(delivered)
                tracker.delivered(delivered)
            case "take":
                take()
            case _:
                fresh = tag <= delivered and tag not in wanted
                assert (tracker.ack(tag) if step == "ack" else tracker.requeue(tag)) is fresh
                if fresh:
                    wanted[tag] = step
        assert tracker.open == delivered - len(wanted)
    for tag in range(1, delivered + 1):
        if tracker.ack(tag):
            wanted[tag] = "ack"
    take()
    assert tracker.idle
    assert not channel.unsettled


def test_a_whole_turn_is_one_frame() -> None:
    tracker = AckTracker()
    for tag in range(1, 101):
        tracker.delivered(tag)
        tracker.ack(tag)
    assert tracker.take() == [Settlement(100, multiple=True)]
    assert tracker.take() == []


def test_an_old_open_delivery_holds_back_nothing() -> None:
    tracker = AckTracker()
    for tag in range(1, 6):
        tracker.delivered(tag)
    for tag in (1, 2, 4, 5):
        tracker.ack(tag)
    assert tracker.take() == [Settlement(2, multiple=True), Settlement(4), Settlement(5)]
    tracker.ack(3)
    assert tracker.take() == [Settlement(3)]


def test_requeues_are_told_before_the_acks_that_would_cover_them() -> None:
    tracker = AckTracker()
    for tag in (1, 2, 3):
        tracker.delivered(tag)
    tracker.ack(1)
    tracker.ack(3)
    tracker.requeue(2)
    assert tracker.take() == [Settlement(2, requeue=True), Settlement(3, multiple=True)]


def test_a_number_never_seen_is_never_covered() -> None:
    tracker = AckTracker()
    tracker.delivered(1)
    tracker.delivered(4)
    tracker.ack(4)
    tracker.ack(1)
    assert tracker.take() == [Settlement(1), Settlement(4)]
