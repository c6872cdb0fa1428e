"""A Redis of a few commands, on a clock of its own, that runs the store's real script in a Lua of this process.

What it says must be what a real one says: `test_model_run_redis` compares them. Not responsible for connections, nor
for when a call arrives.
"""

import json
import pickle
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import inf
from typing import Any

from lupa import lua51  # type: ignore[import-untyped]  # its stubs are a package of their own
from redis.exceptions import ResponseError

from bridge.store.store import SCRIPT

RETENTION_MS = 604_800_000

Clock = Callable[[], float]
Value = bytes | dict[bytes, bytes] | dict[bytes, float]
Word = bytes | str | int
Command = Callable[..., Any]


class Redis:
    """All keys: a string, a hash or a sorted set, each with the instant in ms at which it is gone."""

    def __init__(self, clock: Clock) -> None:
        """`clock`: seconds since the epoch, as this server knows them."""
        self._clock = clock
        self._kept: dict[bytes, Any] = {}
        self._gone_at: dict[bytes, float] = {}
        self.executed = 0

    def run(self, words: Iterable[Word]) -> list[Any]:
        """One call of the script; `words` are its ARGV."""
        self.executed += 1
        machine = _machine()
        machine.redis = self
        return machine.run([_octets(word) for word in words])

    # Looks from outside

    def get(self, key: bytes) -> Any:
        """The value, whatever its kind; None if there is none."""
        if self._gone_at.get(key, inf) <= self._ms():
            del self._kept[key], self._gone_at[key]
        return self._kept.get(key)

    def names(self, prefix: bytes = b"") -> list[bytes]:
        return [key for key in list(self._kept) if key.startswith(prefix) and self.get(key) is not None]

    def ttl_ms(self, key: bytes) -> float:
        """Infinite for a key that stays for ever."""
        return self._gone_at.get(key, inf) - self._ms()

    def put(self, key: bytes, value: Value, ttl_ms: float = inf) -> None:
        self._kept[key] = value
        self._lasts(key, ttl_ms)

    def empty(self) -> None:
        self._kept.clear()
        self._gone_at.clear()

    # The pieces

    def _ms(self) -> int:
        return int(self._clock() * 1000)

    def _lasts(self, key: bytes, ttl_ms: float) -> None:
        if ttl_ms == inf:
            self._gone_at.pop(key, None)
        else:
            self._gone_at[key] = self._ms() + ttl_ms

    def _remove(self, key: bytes) -> int:
        there = self.get(key) is not None
        self._kept.pop(key, None)
        self._gone_at.pop(key, None)
        return int(there)

    def _of(self, key: bytes) -> dict[bytes, Any]:
        """The hash or sorted set at a key, which is made if there is none."""
        found: dict[bytes, Any] | None = self.get(key)
        if found is None:
            found = self._kept[key] = {}
        assert isinstance(found, dict), f"a key of another kind: {key!r}"
        return found

    def _without(self, key: bytes, members: Iterable[bytes]) -> int:
        found = self._of(key)
        removed = sum(found.pop(member, None) is not None for member in members)
        if not found:
            self._remove(key)
        return removed

    # Commands, as the script calls them: octets in; octets, number, list, True for OK, False for nil out

    def call(self, name: bytes, *args: Any) -> Any:
        return COMMANDS[name](self, *args)

    def _time(self) -> list[bytes]:
        micros = round(self._clock() * 1_000_000)
        return [b"%d" % (micros // 1_000_000), b"%d" % (micros % 1_000_000)]

    def _get(self, key: bytes) -> Any:
        found = self.get(key)
        assert not isinstance(found, dict), f"a key of another kind: {key!r}"
        return False if found is None else found

    def _set(self, key: bytes, value: Any, how: bytes, ttl_ms: Any = None, nx: bytes = b"") -> bool:
        if how == b"KEEPTTL":
            assert self.get(key) is not None, f"it would stay for ever: {key!r}"
            self._kept[key] = _octets(value)
            return True
        assert how == b"PX"
        if nx == b"NX" and self.get(key) is not None:
            return False
        self.put(key, _octets(value), int(_octets(ttl_ms)))
        return True

    def _del(self, key: bytes) -> int:
        return self._remove(key)

    def _exists(self, key: bytes) -> int:
        return int(self.get(key) is not None)

    def _incr(self, key: bytes) -> int:
        self._kept[key] = b"%d" % (int(self.get(key) or 0) + 1)
        return int(self._kept[key])

    def _pexpire(self, key: bytes, ttl_ms: Any) -> int:
        if self.get(key) is None:
            return 0
        self._lasts(key, int(_octets(ttl_ms)))
        return 1

    def _rename(self, key: bytes, new: bytes) -> bool:
        found = self.get(key)
        assert found is not None, f"no such key: {key!r}"
        self._remove(new)
        self._kept[new] = self._kept.pop(key)
        if key in self._gone_at:
            self._gone_at[new] = self._gone_at.pop(key)
        return True

    def _hgetall(self, key: bytes) -> list[bytes]:
        found = self.get(key) or {}
        return [octets for pair in found.items() for octets in pair]

    def _hget(self, key: bytes, field: bytes) -> Any:
        return (self.get(key) or {}).get(field, False)

    def _hmget(self, key: bytes, *fields: bytes) -> list[Any]:
        found = self.get(key) or {}
        return [found.get(field, False) for field in fields]

    def _hexists(self, key: bytes, field: bytes) -> int:
        return int(field in (self.get(key) or {}))

    def _hset(self, key: bytes, *pairs: Any) -> int:
        found = self._of(key)
        before = len(found)
        for field, value in zip(pairs[::2], pairs[1::2], strict=True):
            found[_octets(field)] = _octets(value)
        return len(found) - before

    def _hdel(self, key: bytes, *fields: bytes) -> int:
        return self._without(key, fields)

    def _zadd(self, key: bytes, *args: Any) -> int:
        only_new = args[0] == b"NX"
        score, member = args[1:] if only_new else args
        found = self._of(key)
        new = member not in found
        if new or not only_new:
            found[member] = float(_octets(score))
        return int(new)

    def _zrem(self, key: bytes, member: bytes) -> int:
        return self._without(key, [member])

    def _zrangebyscore(
        self, key: bytes, _low: bytes, high: Any, _limit: bytes, start: Any, number: Any
    ) -> list[bytes]:
        assert (_low, _limit, start) == (b"-inf", b"LIMIT", 0)
        found = self.get(key) or {}
        due = sorted((score, member) for member, score in found.items() if score <= float(high))
        return [member for _, member in due[: int(number)]]


COMMANDS: dict[bytes, Command] = {
    b"TIME": Redis._time,
    b"GET": Redis._get,
    b"SET": Redis._set,
    b"DEL": Redis._del,
    b"EXISTS": Redis._exists,
    b"INCR": Redis._incr,
    b"PEXPIRE": Redis._pexpire,
    b"RENAME": Redis._rename,
    b"HGETALL": Redis._hgetall,
    b"HGET": Redis._hget,
    b"HMGET": Redis._hmget,
    b"HEXISTS": Redis._hexists,
    b"HSET": Redis._hset,
    b"HDEL": Redis._hdel,
    b"ZADD": Redis._zadd,
    b"ZREM": Redis._zrem,
    b"ZRANGEBYSCORE": Redis._zrangebyscore,
}


class _Machine:
    """A Lua with the script in it, compiled once; `redis` is whose commands it calls now."""

    def __init__(self) -> None:
        self.redis: Redis
        self._lua = lua51.LuaRuntime(encoding=None)
        self._names = self._lua.globals()
        library = {
            b"redis": {
                b"call": self._call,
                b"error_reply": self._lua.eval(b"function(m) return {err=m} end"),
            },
            b"cjson": {b"decode": self._decode},
            b"cmsgpack": {b"pack": self._pack, b"unpack": self._unpack},
        }
        for name, functions in library.items():
            self._names[name] = self._lua.table_from(functions)
        self._script = self._lua.eval(b"loadstring")(SCRIPT)

    def run(self, argv: Sequence[bytes]) -> list[Any]:
        self._names[b"ARGV"] = self._lua.table_from(argv)
        replies = _reply(self._script())
        if isinstance(replies, ResponseError):
            raise replies
        assert isinstance(replies, list)
        return replies

    def _call(self, name: bytes, *args: Any) -> Any:
        answer = self.redis.call(name, *args)
        return self._lua.table_from(answer) if isinstance(answer, list) else answer

    def _decode(self, octets: bytes) -> Any:
        return self._table(json.loads(octets))

    def _table(self, value: Any) -> Any:
        if isinstance(value, dict):
            fields = {key.encode(): self._table(one) for key, one in value.items() if one is not None}
            return self._lua.table_from(fields)
        if isinstance(value, list):
            return self._lua.table_from([self._table(one) for one in value])
        return value.encode() if isinstance(value, str) else value

    @staticmethod
    def _pack(table: Any) -> bytes:
        """Octets that only `unpack` reads: which, does not matter."""
        return pickle.dumps(_reply(table))

    def _unpack(self, octets: bytes) -> Any:
        rows = pickle.loads(octets)  # noqa: S301  what _pack wrote
        return self._lua.table_from([self._lua.table_from(row) for row in rows])


@cache
def _machine() -> _Machine:
    return _Machine()


def _octets(word: Any) -> bytes:
    """As Redis is given it."""
    if isinstance(word, bytes):
        return word
    if isinstance(word, float):
        assert word.is_integer()
        word = int(word)
    return word.encode() if isinstance(word, str) else b"%d" % word


def _reply(value: Any) -> Any:
    """As Redis turns what a script returns into an answer."""
    if lua51.lua_type(value) == "table":
        error = value[b"err"]
        if error is not None:
            return ResponseError(error.decode())
        return [_reply(value[place]) for place in range(1, len(value) + 1)]
    return int(value) if isinstance(value, float) else value
