"""Traffic for a demo: producers that publish MTs at a rate, and phones that write.

Most MTs are bulk, some interactive; some carry metadata; some need several segments; some producers publish theirs
twice. Every text differs from every other, so that whoever finds one on the wire knows the MT by it, and each segment
of a long one names it. Not responsible for what becomes of it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import orjson

from bridge.broker.message import Confirmation, Outgoing
from bridge.broker.publisher import Publisher
from bridge.model.names import Lane, Names
from bridge.proof.audit import Ledger

TICK_S = 0.02
MOST_UNCONFIRMED = 2000
"""A RabbitMQ that confirms more slowly than this gets less."""
MO_SHARE = 0.1
"""MOs for each MT."""

_INTERACTIVE_SHARE = 0.1
_TWICE_SHARE = 0.02
_METADATA_SHARE = 0.25
_BULK_TEXTS = (
    "Your parcel {n} is on its way and will be with you tomorrow.",
    "Order {n}: thank you! Track it at https://example.com/o/{n}",
    "Ihr Paket {n} kommt morgen zwischen 9 und 11 Uhr. Schöne Grüße!",
    "Rappel {n} : rendez-vous demain à 9 h. À bientôt !",
    "Посылка {n} ждёт вас до пятницы.",
    "ご注文 {n} を発送しました。",
)
_TWO_SEGMENTS_EVERY, _THREE_SEGMENTS_EVERY = 10, 20
_TWO_SEGMENTS = (
    "Order #{n} comes in three parcels. Order #{n}, parcel 1: on its way, with you tomorrow. Order #{n}, parcel 2: "
    "packed, it leaves tonight. Order #{n}, parcel 3: we write as soon as it is ready and order #{n} is complete."
)
_THREE_SEGMENTS = (
    "Заказ #{n} придёт в трёх посылках. Заказ #{n}, первая: в пути, мы привезём её завтра. Заказ #{n}, вторая: "
    "собрана. Заказ #{n}, третья: ждём её и мы. Заказ #{n} оплачен, спасибо!"
)
"""In UCS-2."""
_NAMED = re.compile(r"#(\d+)\D")
_LONG_REPLY_EVERY = 10
_LONG_REPLIES: tuple[dict[str, Any], ...] = (
    {"header": "udh8", "order": [2, 1, 2]},
    {"header": "udh16"},
    {"header": "sar", "order": [2, 1]},
)
"""How the phones send them: by each kind of header, some in another order, some with a segment twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One MT of the stream; `times`: how often its producer publishes it."""

    id: str
    lane: Lane
    body: dict[str, Any]
    times: int

    def message(self, names: Names, now: float) -> Outgoing:
        """The MT as RabbitMQ gets it. `now`: epoch seconds."""
        return Outgoing(
            exchange=names.mt,
            routing_key=names.route_key("default", self.lane),
            body=orjson.dumps({"id": self.id, **self.body}),
            message_id=self.id,
            timestamp=int(now),
            app_id="bridge demo",
        )


def samples(chance: Random) -> Iterator[Sample]:
    """MTs without end, the same for the same seed."""
    n = 0
    while True:
        n += 1
        interactive = chance.random() < _INTERACTIVE_SHARE
        text = (
            f"{chance.randrange(10**6):06} is your code for sign-in {n}."
            if interactive
            else _bulk_text(n, chance)
        )
        # Numbers that Ofcom keeps free for films.
        body: dict[str, Any] = {"to": f"+447700900{chance.randrange(1000):03}", "text": text}
        if interactive:
            body["priority"] = "interactive"
        if chance.random() < _METADATA_SHARE:
            body["metadata"] = {"customer": chance.randrange(10**4), "order": n}
        yield Sample(
            id=f"demo-{n}",
            lane="interactive" if interactive else "bulk",
            body=body,
            times=2 if chance.random() < _TWICE_SHARE else 1,
        )


def _bulk_text(n: int, chance: Random) -> str:
    if n % _THREE_SEGMENTS_EVERY == 0:
        return _THREE_SEGMENTS.format(n=n)
    if n % _TWO_SEGMENTS_EVERY == 0:
        return _TWO_SEGMENTS.format(n=n)
    return chance.choice(_BULK_TEXTS).format(n=n)


def mt_named_in(piece: str) -> str | None:
    """The id of the MT that this piece of its text belongs to; None if it names none."""
    found = _NAMED.search(piece)
    return None if found is None else f"demo-{found[1]}"


class Producers:
    """They publish, and write into the ledger what RabbitMQ confirmed."""

    def __init__(self, publisher: Publisher, names: Names, ledger: Ledger, chance: Random) -> None:
        self.mt_by_text: dict[str, str] = {}
        """Every text that was published, with the id of its MT."""
        self.twice = 0
        """MTs that were published a second time."""
        self._publisher = publisher
        self._names = names
        self._ledger = ledger
        self._samples = samples(chance)

    async def run(self, rate: float, seconds: float) -> None:
        """Publish `rate` MTs a second for so long; back when RabbitMQ has answered for each."""
        async for count in _paced(rate, seconds):
            for _ in range(count):
                if self._publisher.in_flight < MOST_UNCONFIRMED:
                    self._publish(next(self._samples))
        await self._publisher.idle()

    def _publish(self, sample: Sample) -> None:
        self.mt_by_text[sample.body["text"]] = sample.id
        self.twice += sample.times - 1
        for _ in range(sample.times):
            self._publisher.publish(
                sample.message(self._names, time.time()), partial(self._answered, sample.id)
            )

    def _answered(self, mt_id: str, confirmation: Confirmation) -> None:
        if confirmation is not Confirmation.REFUSED:
            self._ledger.published(mt_id, confirmed=confirmation is Confirmation.CONFIRMED)


class Phones:
    """They write MOs, each with a text of its own; `send` hands one to the provider."""

    def __init__(
        self,
        send: Callable[..., Awaitable[object]],
        ledger: Ledger,
        chance: Random,
        words: str = "Yes please, reply",
    ) -> None:
        """`words`: what their texts begin with, and those of no other phones."""
        self._send = send
        self._ledger = ledger
        self._chance = chance
        self._words = words
        self.written = 0
        """MOs so far."""

    async def run(self, rate: float, seconds: float) -> None:
        """Write `rate` MOs a second for so long."""
        async for count in _paced(rate, seconds):
            for _ in range(count):
                await self.write()

    async def write(self) -> None:
        """Write one more."""
        self.written += 1
        text = f"{self._words} {self.written}"
        manner: dict[str, Any] = {}
        if self.written % _LONG_REPLY_EVERY == 0:
            text = ", and ".join([text] * 8)
            manner = _LONG_REPLIES[self.written // _LONG_REPLY_EVERY % len(_LONG_REPLIES)]
        else:
            text += self._chance.choice(("", "!", " \N{WHITE SMILING FACE}"))
        phone = {"from": f"447700900{self._chance.randrange(1000):03}"}
        await self._send("mo", text=text, **phone, **manner)
        self._ledger.mo_sent(text)


async def _paced(rate: float, seconds: float) -> AsyncIterator[int]:
    """How many are due now, tick by tick; in all `rate` times `seconds`, to the nearest."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    done = 0
    while True:
        passed = min(loop.time() - start, seconds)
        due = round(passed * rate)
        yield due - done
        done = due
        if passed >= seconds:
            return
        await asyncio.sleep(TICK_S)
