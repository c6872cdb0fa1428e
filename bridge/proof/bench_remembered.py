"""Finished MTs in Redis, many of them and fast: copies of what real ones left there.

So they are what the bridge leaves, whatever that is, and live as long. Only their names are their own, of the same
length; nobody will ever ask for them. Copied inside Redis, which has nothing else to do before a round.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bridge.proof.bench_report import Memory
from bridge.proof.bench_stage import RedisLost, redis_memory

AT_ONCE = 10_000
"""Lives in one call: for some 50 ms Redis does nothing else."""
_LOOK_S = 0.05

# A copy's name is the original's with its last nine octets replaced by a number that no other copy has.
_SCRIPT = """
local word, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for life = first, last do
  for i, key in ipairs(KEYS) do
    local copy = string.sub(key, 1, -10) .. string.format('x%08x', life * #KEYS + i)
    if word == 'COPY' then redis.call('COPY', key, copy) else redis.call(word, copy) end
  end
end
"""

Progress = Callable[[int], None]


class Copies:
    """Of the keys of one life. `progress` is told how many lives are copied, or left."""

    def __init__(self, client: Redis, keys: Sequence[bytes], progress: Progress) -> None:
        self._client = client
        self._keys = keys
        self._progress = progress
        self._lives = 0

    async def make(self, lives: int) -> None:
        """So many lives. Raises RedisError."""
        while self._lives < lives:
            first, self._lives = self._lives, min(self._lives + AT_ONCE, lives)
            await self._run("COPY", first, self._lives - 1)
            self._progress(self._lives)

    async def touch(self) -> None:
        """All that were made. Raises RedisError."""
        for first in range(0, self._lives, AT_ONCE):
            await self._run("TOUCH", first, min(first + AT_ONCE, self._lives) - 1)

    async def remove(self) -> None:
        """All that were made. Raises RedisError."""
        while self._lives:
            first = max(self._lives - AT_ONCE, 0)
            await self._run("UNLINK", first, self._lives - 1)
            self._lives = first
            self._progress(first)

    async def _run(self, word: str, first: int, last: int) -> None:
        await self._client.eval(_SCRIPT, len(self._keys), *self._keys, word, first, last)


@asynccontextmanager
async def remembered(
    url: str, prefix: str, lives: int, *, like: int, lasting: bool, progress: Progress
) -> AsyncIterator[Memory]:
    """Redis remembers so many more lives, for as long as the context lasts. Raises RedisLost.

    `like`: the lives that it knows by now, all of one kind; one of them is copied. `lasting`: this Redis is used by
    others, or will be, so they are to be removed at the end.
    """
    async with Redis.from_url(url) as client:
        with _redis_lost():
            copies = Copies(client, await keys_of_a_life(client, prefix, like), progress)
            before = await redis_memory(url)
        try:
            with _redis_lost():
                await copies.make(lives)
                await _write_file_anew(client)
                # Redis moves into a larger table bit by bit, with each look into it; and of the memory it shared with
                # the process that wrote the file, each page is dear once. It is to be through with both before a round.
                await copies.touch()
            yield Memory(lives, (await redis_memory(url)).octets - before.octets)
        finally:
            if lasting:
                with _redis_lost():
                    await asyncio.create_task(copies.remove())


@contextmanager
def _redis_lost() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise RedisLost(f"Redis could not be filled, or emptied again: {error}") from error


async def keys_of_a_life(client: Redis, prefix: str, lives: int) -> list[bytes]:
    """The keys that one life leaves, where Redis knows so many: of each kind as many as fall to one."""
    kinds = defaultdict[bytes, set[bytes]](set)  # a scan may tell a key twice
    async for key in client.scan_iter(f"{prefix}:*", count=1000):
        kinds[key[len(prefix) + 1 :].partition(b":")[0]].add(key)
    return [key for keys in kinds.values() for key in sorted(keys)[: len(keys) // lives]]


async def _write_file_anew(client: Redis) -> None:
    """Now, and wait for it: else Redis does so when its file has grown, which may be in the midst of a round."""
    if not (await client.info("persistence")).get("aof_enabled"):
        return
    await _until_written(client)
    with suppress(ResponseError):  # whose Redis it is may not allow that
        await client.bgrewriteaof()
    await _until_written(client)


async def _until_written(client: Redis) -> None:
    while True:
        facts = await client.info("persistence")
        if not any(
            facts.get(name)
            for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
        ):
            return
        await asyncio.sleep(_LOOK_S)
