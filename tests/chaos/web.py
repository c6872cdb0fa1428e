"""The simulated HTTP provider in a process of its own: two sites, a door to each, a door to the workers' callbacks.

And who reads its journal: what it took, and which callbacks were answered.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.proof.children import Children
from bridge.proof.machine import free_ports
from bridge.proof.proxy import FaultProxy
from bridge.proof.remote import Remote, remote
from bridge.proof.witness import JournalFile, Texts
from tests.chaos.ledger import TimedLedger

SITES = ("one", "two")
PROVIDER = "w"
ROUTE = "web"
MANNERS = ("slow:seconds=0.1", "callbacks-twice:every=20")
"""What it does all the time: it thinks, and calls back twice."""
LOGIN, PASSWORD, TOKEN = "bridge", "secret", "callback-secret"
PATH = "/httpapi/receiver"
CALL_AGAIN_S = 0.5
CALLS_AT_MOST = 100_000
"""It never gives up."""


class Web:
    """`doors` by site; `callbacks` is the door that it calls; `port` is the workers'. Made by `web`."""

    def __init__(
        self, doors: Mapping[str, FaultProxy], callbacks: FaultProxy, port: int, talk: Remote, journal: Path
    ) -> None:
        self.doors = doors
        self.callbacks = callbacks
        self.port = port
        self.journal = journal
        self.talk = talk

    def provider(self, timeout_s: float) -> dict[str, Any]:
        """What a worker has to be told to use it."""
        return {
            "dialect": "genesys",
            "http": {
                "primary": SITES[0],
                "resubmit_seconds": 1,
                "timeout_seconds": timeout_s,
                "login": LOGIN,
                "password": PASSWORD,
            },
            "sites": {
                site: {"http": f"http://127.0.0.1:{door.port}{PATH}"} for site, door in self.doors.items()
            },
        }

    @property
    def listener(self) -> dict[str, Any]:
        """The section `callbacks` of a worker."""
        return {"listen": f"127.0.0.1:{self.port}", "token": TOKEN}

    async def kill(self, site: str) -> None:
        """It is gone."""
        await self.talk.do("kill", site=site)

    async def start(self, site: str) -> None:
        """It is there again."""
        await self.talk.do("start", site=site)

    async def behave(self, site: str, *manners: str) -> None:
        """It has these manners too; without any it is as before."""
        await self.talk.do("faults", site=site, faults=[*MANNERS, *manners])


class WebWitness:
    """Reads what the provider wrote down."""

    def __init__(self, journal: Path, ledger: TimedLedger, texts: Texts) -> None:
        self.seen = 0
        self._journal = JournalFile(journal)
        self._ledger = ledger
        self._texts = texts

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def read(self) -> None:
        """What it wrote since the last time."""
        for line in self._journal.lines():
            self.seen += 1
            match line["event"]:
                case "request" if line["taken"]:
                    self._taken(line)
                case "callback" if line["status"] is not None and 200 <= line["status"] < 300:
                    self._ledger.delivered((PROVIDER, line["kind"], line["ident"]))

    def _taken(self, line: Mapping[str, Any]) -> None:
        """The text tells which MT it is; the name it was sent under must be that MT's."""
        text, ident = line["fields"]["message"], line["ident"]
        self._ledger.taken(
            ident if self._texts.get(text) == ident else f"(text {text!r} as {ident})",
            ident,
            f"{PROVIDER} {line['site']}",
            receipt=line["fields"].get("receipt") == "TRUE",
        )


@asynccontextmanager
async def web(children: Children) -> AsyncIterator[Web]:
    """Started, listening, and written down. Raises SimulatorLost, ChildFailed."""
    control, port, *ports = free_ports(2 + len(SITES))
    async with AsyncExitStack() as stack:
        callbacks = await stack.enter_async_context(FaultProxy("127.0.0.1", port))
        journal = children.directory / "http.jsonl"
        simulator = await children.start(
            "HTTP simulator",
            *("simulate", "http", "--receipt-delay=0.2", f"--login={LOGIN}", f"--password={PASSWORD}"),
            *(f"--site={site}={number}" for site, number in zip(SITES, ports, strict=True)),
            f"--callback-url=http://127.0.0.1:{callbacks.port}/callbacks/{PROVIDER}",
            f"--callback-token={TOKEN}",
            *(f"--callback-again={CALL_AGAIN_S}", f"--callback-repeats={CALLS_AT_MOST}"),
            *(f"--fault={manner}" for manner in MANNERS),
            *(f"--log={journal}", f"--control={control}"),
        )
        doors = {
            site: await stack.enter_async_context(FaultProxy("127.0.0.1", number))
            for site, number in zip(SITES, ports, strict=True)
        }
        talk = await stack.enter_async_context(remote(control, simulator.check))
        yield Web(doors, callbacks, port, talk, journal)


def sender(talk: Remote) -> Callable[..., Any]:
    """How a phone writes to it: HTTP knows no segments."""

    async def send(what: str, *, text: str, **details: Any) -> None:
        await talk.do(what, text=text, **{"from": details["from"]})

    return send
