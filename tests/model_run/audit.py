"""The verdict: what must never happen is looked for where it would, and set arithmetic over what all parties saw at
the end.

The rows are those of the crash tables. Of MTs (4.1):

    1, 5, 6, 7, 12    nothing lost, nothing twice but events under one id          `end`, `acked`
    2                 a doubt about what never left: told, allowed                  not looked for
    3, 4, 8           a second copy, and `resent` stored before it is written       `writes`
    10                ack before the end is told: never                             `acked`
    9, 13             a second copy after Redis has forgotten the first: told, if Redis knows that it has, and if
                      RabbitMQ says that it delivered the MT before                 `writes`
    11                one-phase claim: there is none

Of MOs and receipts (4.2): an answer OK is given only when it is safe (`answers`); all that a provider owed is told,
under one event id each (`end`). What Redis forgets is told again, or, of the segments it held, lost; and receipts find
no MT: a story in which it does is judged by less.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bridge.inbound.parts import set_key
from bridge.model.inbound import Dr, Mo, MoSegment
from bridge.outbound.flight import Flight
from bridge.outbound.record import load
from bridge.store.receipts import tag_of
from tests.model_run.provider import Owed, Submit
from tests.model_run.rabbit import Stored

if TYPE_CHECKING:
    from tests.model_run.worker import Worker
    from tests.model_run.world import World

ENDS = ("rejected", "failed", "parked", "expired")
KNOWN_FOR_S = 10.0
"""How long a repeat of an MO without id, or of a segment, is surely known after its first came, by Redis's clock."""


class Audit:
    """What was accepted, delivered and told."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._bodies: dict[str, dict[str, Any]] = {}
        self._submits: dict[str, list[Submit]] = defaultdict(list)
        self._forgotten: list[bool] = []
        """Each time that Redis forgot all: whether it knew afterwards that it had."""
        self._known_by: dict[str, int] = {}
        """How often that was before the last copy of an MT was written."""
        self._untold: dict[str, int] = defaultdict(int)

    def produced(self, mt_id: str, body: dict[str, Any]) -> None:
        self._bodies[mt_id] = body

    # On the way

    def writes(self, submit: Submit, worker: "Worker") -> None:
        """Rows 3, 4, 8: another copy leaves only when that was told, and never of what is to be parked."""
        mt_key = submit.flight.mt_key
        assert mt_key in self._bodies, f"phantom: {mt_key}"
        before = [other for other in self._submits[mt_key] if other.fate != "refused"]
        self._submits[mt_key].append(submit)
        needed = _warnings_needed([*before, submit]) - self._untellable(submit.flight)
        if needed > 0:
            told, counted = len(self._doubts(mt_key)), submit.flight.counted
            assert counted >= needed or self._forgotten, (
                f"{mt_key} has {counted} attempts counted, and {needed} more copies"
            )
            assert told >= needed, f"doubled: {submit} leaves {worker.name}, told {told} of {needed}"
            assert submit.flight.mt.on_doubt != "park", f"doubled: {submit} was to be parked"

    def _untellable(self, flight: Flight) -> int:
        """How many of its copies Redis forgot so that nobody knows of them: the first to leave afterwards decides.

        By what was known when it was claimed: another delivery of it may have come since.
        """
        mt_key, times = flight.mt_key, len(self._forgotten)
        since = self._forgotten[self._known_by.setdefault(mt_key, times) :]
        asked = flight.deliveries[0].redelivered
        self._untold[mt_key] += sum(not (knows_it and asked) for knows_it in since)
        self._known_by[mt_key] = times
        return self._untold[mt_key]

    def redis_forgets(self, *, knows_it: bool) -> None:
        """It was emptied, or all keys have reached their age."""
        self._forgotten.append(knows_it)

    def acked(self, stored: Stored) -> None:
        """Rows 5, 6, 10: RabbitMQ may forget an MT only when its end is told, or another copy of it is there."""
        if not stored.key.startswith("mt."):
            return
        mt_id = next(one for one in self._bodies if b'"id":"%s"' % one.encode() in stored.body)
        told = self._told(mt_id, "accepted", *ENDS)
        assert told or self._world.rabbit.copies(mt_id, stored), f"{mt_id} is acked before its end is told"

    def answers(self, owed: Owed, safe: bool) -> None:
        """4.2: OK only for what is published and committed, or waits where it is safe."""
        if not safe:
            return
        inbound, age_s = owed.inbound, self._world.redis_now - owed.arrivals[0]
        owed.arrivals.append(self._world.redis_now)
        where = (
            self._held(inbound, owed)
            if isinstance(inbound, MoSegment)
            else any(self._committed(owed, value) for value in self._claims(owed.key))
            or self._marked(owed.key)
            or (age_s > KNOWN_FOR_S and bool(self._ids_of(owed.word)))
        )
        assert where or self._forgotten, f"{owed.word} is answered OK, and is not safe"

    def _claims(self, key: bytes) -> Iterator[bytes]:
        """Of an MO or receipt, under whichever use of its id."""
        redis = self._world.redis
        for name in redis.names(b"b:in:" + key):
            if not name.endswith(b":mt"):
                yield redis.get(name)

    def _committed(self, owed: Owed, value: bytes) -> bool:
        letter, _, event_id = value.partition(b"|")
        if letter == b"W":
            known = {event["event_id"] for event in self._world.rabbit.events}
            return event_id.decode() in known or self._waits(event_id.decode())
        return letter == b"D" and (isinstance(owed.inbound, Dr) or bool(self._ids_of(owed.word)))

    def _marked(self, key: bytes) -> bool:
        """Whether it is the receipt that ended an MT, and is said to be published."""
        redis, mark = self._world.redis, tag_of(key) + b"!|"
        return any(mark in redis.get(name) for name in redis.names(b"b:id:"))

    def _waits(self, event_id: str) -> bool:
        rabbit = self._world.rabbit
        unacked = [one for channel in rabbit.channels for one in channel.unacked.values()]
        ready = [one for queue in rabbit.ready.values() for one in queue]
        return any(one.message_id == event_id for one in (*rabbit.waiting, *unacked, *ready))

    def _held(self, segment: MoSegment, owed: Owed) -> bool:
        """In its set, or where that was put aside."""
        redis, field = self._world.redis, b"b%d" % segment.concat.seq
        key = b"b:seg:" + set_key(_provider_of(owed, self._world), segment)
        held = any(field in redis.get(name) for name in redis.names(key))
        return held or bool(self._ids_of(owed.word))

    def done_late(self) -> None:
        """Redis does what a worker has given up: to it, whatever was sent then comes once more now."""
        for provider in self._world.providers.values():
            for owed in provider.owed:
                if owed.arrivals:
                    owed.arrivals.append(self._world.redis_now)

    # At the end

    def end(self) -> None:
        """Accepted minus delivered is lost; delivered more than once is doubled; never accepted is a phantom."""
        for mt_id in self._bodies:
            self._check_mt(mt_id)
        for provider in self._world.providers.values():
            for owed in provider.owed:
                self._check_owed(owed)
        for event in self._world.rabbit.events:
            if event["type"] == "mt":
                assert event["id"] in self._bodies, f"phantom: {event}"
        for name in self._world.redis.names():
            assert self._world.redis.ttl_ms(name) < float("inf"), f"{name!r} stays for ever"
        if not self._world.troubles:
            self._check_calm()

    def _check_calm(self) -> None:
        """Nothing went wrong: so nothing came twice, and nobody was warned."""
        events = self._world.rabbit.events
        twice = [name for name, times in Counter(one["event_id"] for one in events).items() if times > 1]
        assert not twice, f"told twice without a reason: {twice}"

    def _check_mt(self, mt_id: str) -> None:
        ends = {(event["event_id"], event["outcome"]) for event in self._told(mt_id, *ENDS)}
        accepted = self._told(mt_id, "accepted")
        taken = [submit for submit in self._submits[mt_id] if submit.fate == "taken"]
        assert ends or accepted, f"lost: nobody heard of {mt_id}"
        assert ends or taken, f"lost: {mt_id}"
        words = {"doubt" if word == "parked" else word for _, word in ends} - {"expired"}
        dead = {copy["reason"] for copy in self._world.rabbit.dead if copy["id"] == mt_id}
        assert dead == words, f"{mt_id} ended {words}, in the dead queue {dead}"
        for event in [*accepted, *self._told(mt_id, "resolved")]:
            self._check_accepted(mt_id, event)
        if self._forgotten:
            return
        claim = self._world.redis.get(b"b:mt:" + mt_id.encode())
        assert claim[:1] != b"P", f"{mt_id} is still claimed"
        assert len(ends) <= 1, f"{mt_id} ended twice: {ends}"
        doubts = self._doubts(mt_id)
        assert len(doubts) <= self._world.most_doubts, f"{mt_id} was in doubt too often: {doubts}"
        if not ends:
            self._check_receipts(mt_id, claim)

    def _check_accepted(self, mt_id: str, event: dict[str, Any]) -> None:
        """A phone has the whole of what is said to be accepted: all segments, from one provider, as one copy."""
        ids: dict[Hashable, set[int]] = defaultdict(set)
        for submit in self._submits[mt_id]:
            if submit.fate == "taken" and submit.of == event["segments"]:
                ids[submit.copy].add(submit.number)
        whole = set(range(1, event["segments"] + 1))
        assert whole in ids.values(), f"lost: {mt_id} was never whole: {ids}"
        assert len(event["smsc_ids"]) == event["segments"]

    def _check_receipts(self, mt_id: str, claim: bytes) -> None:
        """Under `final` and `all` one event ends an MT all of whose segments have their final receipts."""
        if self._bodies[mt_id].get("receipt") == "none":
            return
        counting = set(load(claim[2:].decode()).report.smsc_ids)
        finals = [
            owed
            for provider in self._world.providers.values()
            for owed in provider.owed
            if isinstance(owed.inbound, Dr) and owed.inbound.final and owed.inbound.ids[0] in counting
        ]
        joined = {
            event["event_id"]
            for event in self._world.rabbit.events
            if event["type"] == "dr" and event["mt_id"] == mt_id and event["joined"]
        }
        assert len(joined) <= 1, f"doubled: {mt_id} has {len(joined)} final receipts"
        if len(finals) == len(counting):
            assert joined, f"lost: the receipt of {mt_id}"

    def _check_owed(self, owed: Owed) -> None:
        """Each MO is told under one event id, more only where its repeat came after all that is remembered."""
        if isinstance(owed.inbound, Dr):
            return
        ids = self._ids_of(owed.word)
        assert ids or (self._forgotten and isinstance(owed.inbound, MoSegment)), f"lost: {owed.word}"
        allowed = 1 + len(self._forgotten)
        if not (isinstance(owed.inbound, Mo) and owed.inbound.id):
            allowed += sum(arrival - owed.arrivals[0] > KNOWN_FOR_S for arrival in owed.arrivals)
        assert len(ids) <= allowed, f"doubled: {owed.word} is told under {ids}"

    # The pieces

    def _doubts(self, mt_id: str) -> set[str]:
        """Those that were told of."""
        return {event["event_id"] for event in self._told(mt_id, "resent")}

    def _told(self, mt_id: str, *outcomes: str) -> list[dict[str, Any]]:
        events = self._world.rabbit.events
        return [
            one for one in events if one["type"] == "mt" and one["id"] == mt_id and one["outcome"] in outcomes
        ]

    def _ids_of(self, word: str) -> set[str]:
        return {
            event["event_id"]
            for event in self._world.rabbit.events
            if event["type"] == "mo" and word in event["text"]
        }


def _provider_of(owed: Owed, world: "World") -> str:
    return next(name for name, provider in world.providers.items() if owed in provider.owed)


def _warnings_needed(submits: Sequence[Submit]) -> int:
    """How often somebody had to be told: of each copy but the first, and each time its segments left again."""
    times: Counter[tuple[Hashable, int]] = Counter((submit.copy, submit.number) for submit in submits)
    most: dict[Hashable, int] = {}
    for (copy, _), often in times.items():
        most[copy] = max(most.get(copy, 0), often)
    return sum(most.values()) - 1
