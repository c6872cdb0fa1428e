"""Long MTs and their receipts in any order, over two workers that die, abandon and are told again, beside a model.

Everything that is kept is executed twice over. Two promises are looked at on the way: the joined states come with one
receipt only, and with that one always the same.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab, OpenLab

OF = 3
WORDS = {"enroute": 0, "delivered": 1, "undeliverable": 2}
OWNERS = ("w1", "w2")

States = tuple[str, ...]
Receipt = tuple[str, str]
"""Its id and its word."""


@dataclass
class Claim:
    """Of a receipt: pending by an owner until its lease passes, or published."""

    owner: str = ""
    live: bool = False
    published: bool = False
    held: bytes = b""


@dataclass
class Model:
    """One long MT. `named`: which segment an id was the answer of; `counts`: the first id of each segment."""

    named: dict[str, int] = field(default_factory=dict)
    counts: dict[int, str] = field(default_factory=dict)
    marks: dict[str, Receipt] = field(default_factory=dict)
    finals: dict[int, str] = field(default_factory=dict)
    ended: tuple[Receipt, States] | None = None
    claims: dict[Receipt, Claim] = field(default_factory=dict)
    early: dict[str, list[Receipt]] = field(default_factory=dict)
    taken: dict[str, list[tuple[Receipt, bool, bool, States | None]]] = field(default_factory=dict)

    def answered(self, number: int, smsc_id: str) -> list[tuple[Receipt, bool, bool, States | None]]:
        """What went out unmatched and is told with this answer."""
        if smsc_id not in self.named:
            self.named[smsc_id] = number
            self.counts.setdefault(number, smsc_id)
            self.taken[smsc_id] = [(receipt, *self.judge(receipt)) for receipt in self.early.get(smsc_id, [])]
        return self.taken[smsc_id]

    def judge(self, receipt: Receipt, *, decides: bool = True) -> tuple[bool, bool, States | None]:
        """Stale, extra, joined."""
        smsc_id, word = receipt
        number = self.named[smsc_id]
        counts = self.counts[number] == smsc_id
        if decides and WORDS[word] and self.marks.setdefault(smsc_id, receipt) == receipt and counts:
            self.finals[number] = word
            if self.ended is None and (WORDS[word] == 2 or len(self.finals) == OF):
                self.ended = receipt, tuple(self.finals.get(n, "") for n in range(1, OF + 1))
        stale = self.marks.get(smsc_id, receipt) != receipt
        ends = counts and self.ended is not None and self.ended[0] == receipt
        return stale, not counts, self.ended[1] if ends and self.ended else None

    def claim(self, receipt: Receipt, owner: str) -> str:
        """The verdict."""
        claim = self.claims.get(receipt)
        if claim is None:
            self.claims[receipt] = Claim(owner, live=True)
            return "new"
        if claim.published:
            return "repeat"
        if claim.live and claim.owner != owner:
            return "busy"
        verdict = "mine" if claim.live else "taken"
        claim.owner, claim.live = owner, True
        return verdict

    def abandon(self, receipt: Receipt, owner: str) -> None:
        claim = self.claims.get(receipt)
        if claim is not None and not claim.published and claim.owner == owner:
            claim.live = False


class World:
    """The model, and the same on Redis."""

    def __init__(self, lab: "Lab", stores: dict[str, Store]) -> None:
        self.lab = lab
        self.stores = stores
        self.model = Model()
        self.published: dict[Receipt, States] = {}

    async def answer(self, owner: str, number: int, copy: str) -> None:
        smsc_id = f"{copy}{number}"
        entry = self.lab.entry(smsc_id, segment=(number, OF))
        told = await self.lab.ask(self.stores[owner].claims.part_answered, "m1", "o", 7, "s", "", entry)
        expected = self.model.answered(number, smsc_id)
        assert [tuple(late) for late in told.unmatched] == [
            (_body(receipt), *verdict) for receipt, *verdict in expected
        ]
        for receipt, _, _, joined in expected:
            self.tell(receipt, joined)

    async def receive(self, owner: str, receipt: Receipt, fate: str) -> None:
        smsc_id, word = receipt
        receipts, question = (
            self.stores[owner].receipts,
            self.lab.question(smsc_id, state=word, grade=WORDS[word]),
        )
        claim = await self.lab.ask(receipts.receipt, _key(receipt), owner, "dr", question)
        verdict = self.model.claim(receipt, owner)
        assert claim.verdict == verdict
        publishes = verdict not in ("busy", "repeat")
        known = smsc_id in self.model.named
        if known:
            expected = self.model.judge(receipt, decides=publishes)
            assert (claim.stale, claim.extra, claim.joined) == expected
            assert bool(claim.due) == (claim.joined is not None)
        else:
            assert claim.entry is None
        self.model.claims[receipt].held = claim.held
        if not publishes or fate == "dies":
            return
        if fate == "abandons":
            await self.lab.ask(receipts.abandon, _key(receipt), 0, owner, held=claim.held)
            self.model.abandon(receipt, owner)
            return
        self.model.claims[receipt].published = True
        if known:
            await self.lab.ask(receipts.commit, _key(receipt), 0, None, due=claim.due, held=claim.held)
            self.tell(receipt, claim.joined)
        else:
            told = await self.lab.ask(receipts.unmatched, _key(receipt), question, _body(receipt))
            assert told is None
            self.model.early.setdefault(smsc_id, []).append(receipt)

    async def lapse(self, receipt: Receipt) -> None:
        claim = self.model.claims.get(receipt)
        if claim is not None and not claim.published:
            lapse = self.lab.lapse_held(claim.held) if claim.held else self.lab.lapse("in", _key(receipt))
            await lapse
            claim.live = False

    def tell(self, receipt: Receipt, joined: States | None) -> None:
        if joined is not None:
            assert self.published.setdefault(receipt, joined) == joined
            assert len(self.published) == 1, "one receipt ends it"


def _key(receipt: Receipt) -> bytes:
    return f"{receipt[1][0]}{receipt[0]}".encode().ljust(16, b".")


def _body(receipt: Receipt) -> bytes:
    return " ".join(receipt).encode()


numbers = st.integers(1, OF)
copies = st.sampled_from("aaab")
owners = st.sampled_from(OWNERS)
receipts = st.builds(
    lambda copy, number, word: (f"{copy}{number}", word), copies, numbers, st.sampled_from([*WORDS])
)
steps = st.one_of(
    st.tuples(st.just("answer"), owners, numbers, copies),
    st.tuples(
        st.just("receive"), owners, receipts, st.sampled_from(["publishes", "publishes", "dies", "abandons"])
    ),
    st.tuples(st.just("lapse"), receipts),
)


@settings(max_examples=80)
@given(walk=st.lists(steps, max_size=30))
def test_a_random_walk_agrees_with_the_model(open_lab: "OpenLab", walk: list[tuple[Any, ...]]) -> None:
    """At its end every segment is answered and every receipt comes again: the MT must have ended, once."""

    async def play() -> None:
        async with open_lab(f"t{secrets.token_hex(4)}") as lab:
            world = World(lab, {owner: await lab.stuttering(owner) for owner in OWNERS})
            for word, *arguments in walk:
                await getattr(world, word)(*arguments)
            for number in range(1, OF + 1):
                await world.answer("w1", number, "a")
            for smsc_id in world.model.counts.values():
                for word in ("delivered", "undeliverable"):
                    await world.lapse((smsc_id, word))
                    await world.receive("w2", (smsc_id, word), "publishes")
            assert world.published

    asyncio.run(play())
