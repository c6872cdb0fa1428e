"""Dates: as receipts write them, and as submit_sm wants them."""

from datetime import UTC, datetime
from functools import lru_cache

_LAST_WRITABLE = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


@lru_cache(maxsize=1024)  # the receipts of a minute have the same few
def read_date(value: str) -> str | None:
    """ISO 8601 to the precision written, with an offset only if one was written; None if it is no date.

    10 digits YYMMDDhhmm; 14 YYYYMMDDhhmmss; 12 either YYYYMMDDhhmm or YYMMDDhhmmss: those that begin with 20
    and cannot go on with a month are the former. 16 characters are SMPP absolute time (SMPP 3.4, 7.1.1.1).
    """
    if len(value) == 16 and value[-1] in "+-":
        return _read_absolute_time(value)
    if not (value.isascii() and value.isdigit()):
        return None
    match len(value):
        case 10:
            return _iso("20" + value)
        case 12 if value.startswith("20") and value[2:4] > "12":
            return _iso(value)
        case 12:
            return _iso("20" + value)
        case 14:
            return _iso(value)
    return None


def _iso(digits: str) -> str | None:
    """YYYYMMDDhhmm or YYYYMMDDhhmmss as ISO 8601; None for a day or hour that does not exist."""
    written = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}"
    if len(digits) == 14:
        written += f":{digits[12:]}"
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return None
    return written


def _read_absolute_time(value: str) -> str | None:
    """YYMMDDhhmmsstnnp: t tenths of a second, nn quarters of an hour, p which side of UTC."""
    digits, sign = value[:15], value[15]
    if not (digits.isascii() and digits.isdigit()):
        return None
    written = _iso("20" + digits[:12])
    quarters = int(digits[13:])
    if written is None or quarters > 48:
        return None
    return f"{written}.{digits[12]}{sign}{quarters // 4:02}:{quarters % 4 * 15:02}"


def absolute_time(epoch_s: float) -> str:
    """Seconds since the epoch as SMPP absolute time in UTC, cut to whole seconds (SMPP 3.4, 7.1.1.1).

    Its years have two digits: what lies beyond 2099 becomes the end of 2099.
    """
    return datetime.fromtimestamp(min(epoch_s, _LAST_WRITABLE), UTC).strftime("%y%m%d%H%M%S000+")
