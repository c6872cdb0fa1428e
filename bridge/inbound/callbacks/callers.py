"""Who may call: from which networks, and with which token. Pure: it decides, and answers nobody.

A caller shows the token in one of three ways: `Authorization: Bearer <token>`, the password of `Authorization: Basic`,
or the query parameter `token`; whichever the provider can be configured to.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import parse_qsl

Headers = Mapping[bytes, bytes]
"""By name in lower case; of several with one name, the last."""

Address = IPv4Address | IPv6Address

MOST_PARAMETERS = 50


class Callers:
    """What `callbacks.token`, `.allow` and `.trust_proxy` say."""

    def __init__(self, token: str, allow: Sequence[str] = (), *, trust_proxy: bool = False) -> None:
        """`allow`: networks, none for any. `trust_proxy`: the caller is whom the nearest proxy names."""
        if not token:
            raise ValueError("without a token everybody would be let in")
        self._token = token.encode()
        self._networks = tuple(ip_network(network) for network in allow)
        self._trust_proxy = trust_proxy

    @property
    def behind_proxy(self) -> bool:
        """Whether the address of a connection says nothing of its caller."""
        return self._trust_proxy

    def may_come(self, peer: str, headers: Headers) -> bool:
        """Whether the caller is of a network that may call. `peer`: whose connection it is."""
        if not self._networks:
            return True
        address = self.address(peer, headers)
        return address is not None and any(address in network for network in self._networks)

    def address(self, peer: str, headers: Headers) -> Address | None:
        """Who calls; None where that is no address."""
        forwarded = headers.get(b"x-forwarded-for") if self._trust_proxy else None
        # Only the last address is the nearest proxy's own word; the caller may have written those before it.
        return address_of(peer if forwarded is None else forwarded.rpartition(b",")[2].decode("latin-1"))

    def shows_token(self, headers: Headers, query: bytes) -> bool:
        """Whether the request carries the token."""
        header, token = _authorization(headers.get(b"authorization", b"")), self._token
        return compare_digest(header, token) or compare_digest(_parameter(query), token)


def address_of(text: str) -> Address | None:
    """An address as peers and proxies write it: perhaps with a port, perhaps IPv4 in IPv6's clothes."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _authorization(header: bytes) -> bytes:
    scheme, _, shown = header.strip().partition(b" ")
    match scheme.lower():
        case b"bearer":
            return shown.strip()
        case b"basic":
            return _password(shown)
        case _:
            return b""


def _password(shown: bytes) -> bytes:
    try:
        return b64decode(shown.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _parameter(query: bytes) -> bytes:
    try:
        parameters = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return b""
    return dict(parameters).get("token", "").encode()
