"""The simulated provider in a process of its own: two sites of two SMSCs, a door to each SMSC for the workers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.proof.children import Children
from bridge.proof.machine import free_ports
from bridge.proof.proxy import FaultProxy
from bridge.proof.remote import Remote, remote

SITES = ("one", "two")
NODES_PER_SITE = 2
MANNERS = ("slow:seconds=0.1", "receipts-elsewhere:to=site", "receipts-twice:every=20")
"""What it does all the time: it thinks, its receipts take other ways, some come twice."""


class Provider:
    """`doors` by site; `journal` is what its SMSCs write down. Made by `provider`."""

    def __init__(self, doors: Mapping[str, Sequence[FaultProxy]], talk: Remote, journal: Path) -> None:
        self.doors = doors
        self.journal = journal
        self.talk = talk

    @property
    def all_doors(self) -> list[FaultProxy]:
        """Of every SMSC."""
        return [door for doors in self.doors.values() for door in doors]

    @property
    def worker_sites(self) -> dict[str, list[str]]:
        """host:port of the doors, by site."""
        return {site: [f"127.0.0.1:{door.port}" for door in doors] for site, doors in self.doors.items()}

    async def kill(self, site: str) -> None:
        """All its SMSCs are gone."""
        await self.talk.do("kill", site=site)

    async def start(self, site: str) -> None:
        """They are there again."""
        await self.talk.do("start", site=site)

    async def behave(self, site: str, *manners: str) -> None:
        """Its SMSCs have these manners too; without any they are as before."""
        await self.talk.do("faults", site=site, faults=[*MANNERS, *manners])


@asynccontextmanager
async def provider(children: Children) -> AsyncIterator[Provider]:
    """Started, listening, and written down. Raises SimulatorLost, ChildFailed."""
    control, *ports = free_ports(1 + NODES_PER_SITE * len(SITES))
    sites = {site: [ports.pop() for _ in range(NODES_PER_SITE)] for site in SITES}
    journal = children.directory / "smsc.jsonl"
    simulator = await children.start(
        "simulator",
        *("simulate", "smsc", "--receipt-delay=0.2"),
        *(f"--site={site}={','.join(map(str, numbers))}" for site, numbers in sites.items()),
        *(f"--fault={manner}" for manner in MANNERS),
        *(f"--log={journal}", f"--control={control}"),
    )
    async with AsyncExitStack() as stack:
        doors = {
            site: [await stack.enter_async_context(FaultProxy("127.0.0.1", number)) for number in numbers]
            for site, numbers in sites.items()
        }
        talk = await stack.enter_async_context(remote(control, simulator.check))
        yield Provider(doors, talk, journal)
