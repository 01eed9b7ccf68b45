"""Which addresses a host name may lead to: a public name that leads into a private network is a trap."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from core.chat.errors import Retry, UpstreamError, UpstreamUnreachable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host, best first. Raises `socket.gaierror`."""

Choice: TypeAlias = Callable[[str, int, Resolver], Awaitable[Sequence[Address]]]
"""Gives the addresses of a host that may be connected to, best first. Raises `UpstreamError`."""

_LINK_LOCAL: Final = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))
_PRIVATE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7"),
    )
)
_INSIDE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
_NOWHERE: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.100.100.200/32",  # Alibaba's metadata
            "168.63.129.16/32",  # Azure's
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "fd00:ec2::/32",  # Amazon's metadata
            "fd20:ce::/32",  # Google's
        ),
    )
)
"""IANA's special-purpose addresses, tunnels, and where clouds keep their credentials."""

_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_SUFFIXES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test")
_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


def called(host: str) -> str:
    """What an error calls `host`: its name, but never a bare address, which is nobody's business."""
    return "The upstream" if literal(host) else host


async def resolve(host: str, port: int) -> Sequence[str]:
    """The operating system's answer."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


async def permitted_addresses(host: str, port: int, resolver: Resolver, *, link_local: bool = False) -> list[Address]:
    """Where to connect for `host`: its best address, and its best of the other family. Raises `UpstreamError`.

    Link-local addresses, where clouds keep their credentials, are only permitted where `link_local` says so; private
    ones only under a name that does not look public.
    """
    address = literal(host)
    found = [address] if address else await _look_up(host, port, resolver)
    forbidden = () if link_local else _LINK_LOCAL
    if not address and _looks_public(host):
        forbidden = _LINK_LOCAL + _PRIVATE
    permitted = [one for one in found if not any(_ipv4(one) in network for network in forbidden)]
    if not permitted:
        raise _blocked(host)
    return _best(permitted)


async def public_addresses(host: str, port: int, resolver: Resolver, *, private: bool = False) -> list[Address]:
    """Where to connect for a `host` that somebody else named: nowhere, unless all its addresses are public.

    With `private`, those of private networks and of this machine will do too.
    """
    address = literal(host)
    found = [address] if address else await _look_up(host, port, resolver)
    if not found or not all(_is_public(address, private) for address in found):
        raise _blocked(host)
    return _best(found)


def _is_public(address: Address, private: bool) -> bool:
    if address in _NAT64:
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _NOWHERE):
        return False
    if any(address in network for network in _INSIDE):
        return private
    return address.version == 4 or address in _GLOBAL_UNICAST


def _best(addresses: Sequence[Address]) -> list[Address]:
    best = addresses[0]
    return [best, *[address for address in addresses if address.version != best.version][:1]]


def _blocked(host: str) -> UpstreamError:
    return UpstreamError(
        f"{called(host)} leads to a private or link-local address, which is not permitted for it.",
        code="upstream_blocked",
        retry=Retry.OTHER_ROUTE,
    )


async def _look_up(host: str, port: int, resolver: Resolver) -> list[Address]:
    try:
        return [ipaddress.ip_address(address) for address in await resolver(host, port)]
    except socket.gaierror as error:
        retry = Retry.OTHER_ROUTE if error.errno in _NO_SUCH_NAME else Retry.SAME
        raise UpstreamUnreachable(f"The name {host} cannot be resolved.", retry=retry) from error
    except UnicodeError as error:
        raise UpstreamUnreachable(f"{host} is no host name.", retry=Retry.OTHER_ROUTE) from error


def literal(host: str) -> Address | None:
    """The address that `host` is in its usual spelling; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_public(host: str) -> bool:
    name = host.lower().rstrip(".")
    return "." in name and not name.endswith(_LOCAL_SUFFIXES)


def _ipv4(address: Address) -> Address:
    """The IPv4 address within an IPv6 one, where there is one: both reach the same machine."""
    return getattr(address, "ipv4_mapped", None) or address
