"""Claims of MTs on a real Redis: every verdict, the rows of a crash, and a random walk beside a small model."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.store.claims import Claim, Recorded, Unmatched
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab, OpenLab

LEASE_MS = 60_000
PASSED = 0
NOTHING_UNMATCHED: list[Unmatched] = []


async def test_the_first_claim_is_new_and_its_own_flight_holds_it(lab: "Lab", store: Store) -> None:
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) == Claim("new")
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) == Claim("mine")


async def test_a_live_claim_keeps_others_out_and_tells_for_how_long(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    for takeover in (False, True):
        claim = await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS, takeover=takeover)
        assert claim.verdict == "busy"
        assert LEASE_MS - 10_000 < claim.wait_ms <= LEASE_MS


async def test_a_passed_claim_is_stale_until_taken_over(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", PASSED)
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("stale", holder="o1")
    assert await lab.ask(store.claims.claim, "m1", "o3", LEASE_MS, takeover=True) == Claim("taken")
    assert (await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)).verdict == "busy"


async def test_a_claim_of_a_short_mt_may_keep_a_state_too(lab: "Lab", store: Store) -> None:
    claim = store.claims.claim
    await lab.ask(claim, "m1", "o1", PASSED, state="one")
    found = Claim("stale", state="one", holder="o1")
    assert await lab.ask(claim, "m1", "o2", LEASE_MS) == found
    assert await lab.ask(claim, "m1", "o2", LEASE_MS, takeover=True, seen="other") == found
    taken = await lab.ask(claim, "m1", "o2", LEASE_MS, takeover=True, seen="one", state="two")
    assert taken == Claim("taken", state="one")
    assert await lab.ask(claim, "m1", "o2", PASSED) == Claim("mine", state="two")
    assert await lab.ask(claim, "m1", "o3", LEASE_MS) == Claim("stale", holder="o2")


async def test_a_flight_renews_its_own_lease_even_after_it_passed(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", PASSED)
    assert await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS) == Claim("mine")
    assert (await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS)).verdict == "busy"


async def test_a_finished_claim_tells_what_was_recorded(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    assert await lab.ask(store.claims.finish, "m1", "o1", "rejected|ü|x") is True
    for owner in ("o1", "o2"):
        claim = await lab.ask(store.claims.claim, "m1", owner, LEASE_MS, takeover=True)
        assert claim == Claim("done", info="rejected|ü|x")


async def test_generations_of_an_id_are_claims_of_their_own(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.finish, "m1", "o1", "failed")
    assert await lab.ask(store.claims.claim, "m1#1", "o2", LEASE_MS) == Claim("new")


async def test_finish_without_a_claim_is_recorded(lab: "Lab", store: Store) -> None:
    assert await lab.ask(store.claims.finish, "m1", "o1", "expired") is True
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="expired")


async def test_finish_again_after_a_lost_reply_says_the_same(lab: "Lab", store: Store) -> None:
    assert await lab.ask(store.claims.finish, "m1", "o1", "failed") is True
    assert await lab.ask(store.claims.finish, "m1", "o1", "failed") is True


async def test_finish_is_fenced_by_another_flight(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS)
    assert await lab.ask(store.claims.finish, "m1", "o1", "failed") is False
    await lab.ask(store.claims.finish, "m1", "o2", "rejected")
    assert await lab.ask(store.claims.finish, "m1", "o1", "failed") is False
    assert await lab.ask(store.claims.claim, "m1", "o3", LEASE_MS) == Claim("done", info="rejected")


async def test_amend_compares_and_sets(lab: "Lab", store: Store) -> None:
    assert await lab.ask(store.claims.amend, "m1", "owed", "sealed") is False
    await lab.ask(store.claims.finish, "m1", "o1", "owed")
    assert await lab.ask(store.claims.amend, "m1", "other", "sealed") is False
    assert await lab.ask(store.claims.amend, "m1", "owed", "sealed") is True
    assert await lab.ask(store.claims.amend, "m1", "owed", "sealed") is True, "again, after a lost reply"
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="sealed")


async def test_release_gives_up_only_what_is_pending_and_ours(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.release, "m1", "o1")
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    await lab.ask(store.claims.release, "m1", "o2")
    assert (await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS)).verdict == "busy"
    await lab.ask(store.claims.release, "m1", "o1")
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("new")
    await lab.ask(store.claims.release, "m1", "o1")
    await lab.ask(store.claims.finish, "m1", "o2", "failed")
    await lab.ask(store.claims.release, "m1", "o2")
    assert await lab.ask(store.claims.claim, "m1", "o3", LEASE_MS) == Claim("done", info="failed")


@pytest.mark.parametrize("claimed_by", [None, "o1"])
async def test_an_answer_is_recorded(lab: "Lab", store: Store, claimed_by: str | None) -> None:
    if claimed_by:
        await lab.ask(store.claims.claim, "m1", claimed_by, LEASE_MS)
    for _ in range(2):
        recorded = await lab.ask(store.claims.answered, "m1", "o1", "A", lab.entry())
        assert recorded == Recorded(fenced=False, unmatched=NOTHING_UNMATCHED)
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="A")


async def test_an_answer_is_a_fact_whoever_holds_the_claim(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS)
    assert (await lab.ask(store.claims.answered, "m1", "o1", "A1", lab.entry("s1"))).fenced
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="A1")
    assert (await lab.ask(store.claims.answered, "m1", "o2", "A2", lab.entry("s2"))).fenced
    for smsc_id in ("s1", "s2"):
        found = await lab.ask(store.receipts.lookup, b"k" * 16, lab.question(smsc_id, grade=0))
        assert found.entry == lab.entry(smsc_id)


async def test_a_late_answer_resolves_what_was_parked(lab: "Lab", store: Store) -> None:
    await lab.ask(store.claims.finish, "m1", "o1", "parked")
    assert (await lab.ask(store.claims.answered, "m1", "o1", "A", lab.entry())).fenced
    assert await lab.ask(store.claims.claim, "m1", "o2", LEASE_MS) == Claim("done", info="A")


async def test_an_answer_without_an_id_correlates_nothing(lab: "Lab", store: Store) -> None:
    recorded = await lab.ask(store.claims.answered, "m1", "o1", "A", lab.entry(""))
    assert recorded == Recorded(fenced=False, unmatched=NOTHING_UNMATCHED)
    assert await lab.redis.keys(lab.key("id", "*")) == []


async def test_the_retention_is_the_life_of_a_claim(lab: "Lab") -> None:
    store = await lab.run(lab.make(retention_hours=2))
    await lab.ask(store.claims.claim, "m1", "o1", LEASE_MS)
    await lab.ask(store.claims.answered, "m2", "o1", "A", lab.entry())
    for key in (lab.key("mt", "m1"), lab.key("mt", "m2"), lab.key("id", "p", "s1")):
        assert 7_000_000 < await lab.redis.pttl(key) <= 7_200_000


# A crash at every row of the life of an MT, as far as Redis has a part in it. The second worker is w2.


async def test_crash_after_the_claim_is_doubt_once_the_lease_has_passed(lab: "Lab") -> None:
    dead, living = await lab.store("w1"), await lab.store("w2")
    await lab.ask(dead.claims.claim, "m1", "w1-1", PASSED)
    assert await lab.ask(living.claims.claim, "m1", "w2-1", LEASE_MS) == Claim("stale", holder="w1-1")


async def test_crash_after_the_answer_was_recorded_sends_nothing_again(lab: "Lab") -> None:
    dead, living = await lab.store("w1"), await lab.store("w2")
    await lab.ask(dead.claims.claim, "m1", "w1-1", PASSED)
    await lab.ask(dead.claims.answered, "m1", "w1-1", "A", lab.entry())
    assert await lab.ask(living.claims.claim, "m1", "w2-1", LEASE_MS) == Claim("done", info="A")


async def test_a_slow_worker_that_was_overtaken_is_told_so(lab: "Lab") -> None:
    slow, quick = await lab.store("w1"), await lab.store("w2")
    await lab.ask(slow.claims.claim, "m1", "w1-1", PASSED)
    await lab.ask(quick.claims.claim, "m1", "w2-1", LEASE_MS, takeover=True)
    await lab.ask(slow.claims.release, "m1", "w1-1")
    assert await lab.ask(slow.claims.finish, "m1", "w1-1", "failed") is False
    assert (await lab.ask(slow.claims.answered, "m1", "w1-1", "A1", lab.entry("s1"))).fenced
    assert (await lab.ask(quick.claims.answered, "m1", "w2-1", "A2", lab.entry("s2"))).fenced


async def test_two_workers_race_and_one_wins(lab: "Lab") -> None:
    stores = [await lab.store(f"w{n}") for n in range(4)]
    claims = [lab.ask(store.claims.claim, "m1", f"o{n}", LEASE_MS) for n, store in enumerate(stores)]
    verdicts = sorted(claim.verdict for claim in await asyncio.gather(*claims))
    assert verdicts == ["busy", "busy", "busy", "new"]


# The model


@dataclass
class Model:
    """One claim: nothing, pending (owner, live) or finished; `fenced`: by an answer that was."""

    pending: tuple[str, bool] | None = None
    info: str | None = None
    fenced: bool = False

    def claim(self, owner: str, live: bool, takeover: bool) -> str:
        if self.info is not None:
            return "done"
        verdict = "new"
        if self.pending is not None:
            holder, holds = self.pending
            verdict = "mine" if holder == owner else "busy" if holds else "taken" if takeover else "stale"
        if verdict not in ("busy", "stale"):
            self.pending = owner, live
        return verdict

    def _others(self, owner: str, info: str) -> bool:
        others_claim = self.pending is not None and self.pending[0] != owner
        return others_claim if self.info is None else self.info != info

    def finish(self, owner: str, info: str) -> bool:
        if self._others(owner, info):
            return False
        self.pending, self.info = None, info
        return True

    def answered(self, owner: str, info: str) -> bool:
        if self.info != info:
            self.fenced = self._others(owner, info)
            self.pending, self.info = None, info
        return self.fenced

    def amend(self, old: str, new: str) -> bool:
        if self.info not in (old, new) or self.info is None:
            return False
        self.info = new
        return True

    def release(self, owner: str) -> None:
        if self.pending is not None and self.pending[0] == owner:
            self.pending = None


owners = st.sampled_from(["o1", "o2", "o3"])
infos = st.sampled_from(["A", "B"])
steps = st.one_of(
    st.tuples(st.just("claim"), owners, st.booleans(), st.booleans()),
    st.tuples(st.just("finish"), owners, infos),
    st.tuples(st.just("answered"), owners, infos),
    st.tuples(st.just("amend"), infos, infos),
    st.tuples(st.just("release"), owners),
)
walks = st.lists(st.tuples(steps, st.booleans()), max_size=30)


@settings(max_examples=60)
@given(walk=walks)
def test_a_random_walk_agrees_with_the_model(open_lab: "OpenLab", walk: list[tuple[Any, bool]]) -> None:
    """Every step that is kept may be executed twice over, as after a lost reply, and changes nothing by it."""

    async def play() -> None:
        async with open_lab(f"t{secrets.token_hex(4)}") as lab:
            store = await lab.store()
            model, expected, got = Model(), [], []
            for (word, *arguments), twice in walk:
                for _ in range(2 if twice and word != "claim" else 1):
                    expected.append(getattr(model, word)(*arguments))
                    got.append(_play(lab, store, word, arguments))
            assert await asyncio.gather(*got) == expected

    asyncio.run(play())


async def _play(lab: "Lab", store: Store, word: str, arguments: list[Any]) -> Any:
    claims = store.claims
    match word:
        case "claim":
            owner, live, takeover = arguments
            lease_ms = LEASE_MS if live else PASSED
            return (await lab.ask(claims.claim, "m1", owner, lease_ms, takeover=takeover)).verdict
        case "answered":
            return (await lab.ask(claims.answered, "m1", *arguments, lab.entry())).fenced
        case _:
            return await lab.ask(getattr(claims, word), "m1", *arguments)


async def test_what_a_repeat_says_otherwise_is_not_what_receipts_are_matched_with(
    lab: "Lab", store: Store
) -> None:
    """The same id, published again with another body, was not sent."""
    first = lab.entry(metadata={"a": 1})
    await lab.ask(store.claims.answered, "m1", "o", "A|s1", first)
    other = replace(first, to="33612345678", receipt="none", metadata=None, possible_duplicate=True)
    await lab.ask(store.claims.answered, "m1", "o2", "A|s1", other)
    claim = await lab.ask(store.receipts.receipt, bytes(16), "w1", "dr", lab.question("s1", grade=1))
    assert claim.entry == replace(first, possible_duplicate=True)
