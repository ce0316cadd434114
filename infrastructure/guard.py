"""A way out to the public internet only: names are resolved here, and what was judged is what is connected to.

    name ── resolve ── is every address public? ── connect to one of these very addresses ── TLS proves the name

A name is resolved once a connection and never again, so an answer that changes after the check reaches nobody.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpcore
import httpx

from application.ports import DownloadKeptOut, DownloadRefused

Origin = tuple[str, str, int]
"""Scheme, host and port."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError where there are none."""

PORTS: Final = {"http": 80, "https": 443}
MOST_ADDRESSES: Final = 4
"""Of one name, to try one after another."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NAT64: Final = IPv6Network("64:ff9b::/96")

# The special-purpose registries of IANA, and what clouds answer metadata under; independent of Python's own table,
# which grew from release to release.
NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could mean it; what carries an IPv4 address inside is judged by that."""
    return _is_public(ip_address(address.partition("%")[0]))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if inner is not None:
            return _is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return not any(address in network for network in NOT_PUBLIC)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The address that a NAT64 gateway would connect to (RFC 6052)."""
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None


def blocked(message: str) -> DownloadKeptOut:
    """An address that might be let in."""
    return DownloadKeptOut(message, setting="IMAGESTUDIO_OWN_ORIGINS", reason="blocked")


def origin_of(url: httpx.URL) -> Origin:
    """The host is as it is looked up: lower case, international names encoded."""
    port = PORTS.get(url.scheme, 0) if url.port is None else url.port
    return url.scheme, url.raw_host.decode("ascii"), port


def read_url(text: str) -> httpx.URL:
    """Raises DownloadRefused, without repeating the text, where it is no address."""
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise DownloadRefused("it is not a valid address") from error


def check_url(url: httpx.URL, own: Collection[Origin]) -> None:
    """The check that is possible before a name is resolved; `own` are origins that may have any port and any address.

    Raises DownloadRefused.
    """
    scheme, host, port = origin_of(url)
    if scheme not in PORTS or not host:
        raise DownloadRefused("it is not an http or https address")
    if url.userinfo:
        raise DownloadRefused("it has a user name or password in it")
    if (scheme, host, port) not in own and port != PORTS[scheme]:
        raise blocked(f"port {port} is not the usual one for {scheme}")


def check_literal(url: httpx.URL, own: Collection[Origin]) -> None:
    """All that can be judged of an address before a name is resolved, as a proxy does it. Raises DownloadRefused."""
    try:
        public = is_public(str(ip_address(url.host)))
    except ValueError:
        return
    if not public and origin_of(url) not in own:
        raise blocked(f"{url.host} is not on the public internet")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


@dataclass(frozen=True, slots=True)
class Wires:
    """How the world is reached: names, sockets, and whom TLS believes (None: those that everybody believes)."""

    resolve: Resolver = resolve
    network: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)
    tls: ssl.SSLContext | None = None


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to hosts whose every address is public, and to `own`, wherever they are."""

    def __init__(self, own: Collection[Origin], wires: Wires) -> None:
        self._own = frozenset((host, port) for _, host, port in own)
        self._resolve = wires.resolve
        self._network = wires.network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try the host's addresses within `timeout` seconds together. Raises DownloadRefused, httpcore's errors."""
        addresses = await self._addresses(host, port)
        share = None if timeout is None else timeout / len(addresses)
        failed: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise httpcore.ConnectError("none of its addresses answers") from failed

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("there is no host of this name") from error
        # One address inside is one too many: which of them is connected to would be up to whoever owns the name.
        if (host, port) not in self._own and not all(map(is_public, addresses)):
            raise blocked(f"{host} is not on the public internet")
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        return addresses[:MOST_ADDRESSES]


@lru_cache(1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust; loading it takes longer than a download, and it may be shared."""
    return httpcore.default_ssl_context()


def guarded_pool(
    own: Collection[Origin], wires: Wires, proxy: httpcore.Proxy | None, most: int, idle: float
) -> httpcore.AsyncConnectionPool:
    """At most so many connections that lead outside alone, or to `own`, each kept for `idle` seconds.

    A proxy resolves names and connects by itself, and has to judge by itself.
    """
    return httpcore.AsyncConnectionPool(
        wires.tls or _certificates(),
        proxy=proxy,
        max_connections=most,
        keepalive_expiry=idle,
        network_backend=wires.network if proxy else PublicNetwork(own, wires),
    )
