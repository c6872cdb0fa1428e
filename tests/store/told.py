"""An MT that was accepted, and a receipt that asks for it: what tests of receipts begin with."""

from typing import TYPE_CHECKING, Any

from bridge.store.correlation import Correlation
from bridge.store.store import Store

if TYPE_CHECKING:
    from tests.store.conftest import Lab

KEY = bytes(range(0xF0, 0x100))
OTHER_KEY = b"\n|:" + bytes(13)
HANDSET = ("447700900123", "12345")
NOBODY = ("", "")


async def submitted(lab: "Lab", store: Store, smsc_id: str = "s1", **fields: Any) -> Correlation:
    """An MT that the provider has accepted."""
    entry = lab.entry(smsc_id, **fields)
    mt_key = f"{entry.mt_id}#{entry.generation}"
    await lab.ask(store.claims.answered, mt_key, "o", f"A|{smsc_id}", entry)
    return entry


async def received(
    lab: "Lab",
    store: Store,
    key: bytes = KEY,
    ids: tuple[str, ...] = ("s1",),
    addresses: tuple[str, str] = HANDSET,
    *,
    owner: str = "w1",
    event_id: str = "dr-1",
    final: bool = True,
) -> Any:
    """A receipt and its claim."""
    return await lab.ask(
        store.receipts.receipt,
        key,
        owner,
        event_id,
        lab.question(*ids, addresses=addresses, grade=int(final)),
    )
