"""What a provider wrote, made fit to be a reason in an event or a log: short, one line, no whole phone number."""

import re

from bridge.model.addresses import mask

_LONGEST = 200
_NUMBER = re.compile(r"\d(?:[ ()./-]{0,2}\d){6,}")
_ACCOUNT = re.compile(r"//[^/?#]*@")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def quoted(text: str) -> str:
    """A provider's own words."""
    line = " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
    return _NUMBER.sub(lambda number: mask(number[0]), line)[:_LONGEST]


def bare_url(url: str) -> str:
    """A URL without what may be secret in it: account, query and fragment."""
    return quoted(_ACCOUNT.sub("//", re.split(r"[?#]", url, maxsplit=1)[0]))


def origin(url: str) -> str:
    """Only the scheme and host of a URL, where its path may be secret too; empty where it names no host."""
    found = _ORIGIN.match(url)
    return bare_url(found[0]) if found else ""
