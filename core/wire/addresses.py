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

_LINK_LOCAL: Final = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))
_PRIVATE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7"),
    )
)
_LOCAL_SUFFIXES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test")
_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


def called(host: str) -> str:
    """What an error calls `host`: its name, but never a bare address, which is nobody's business."""
    return "The upstream" if _literal(host) else host


async def resolve(host: str, port: int) -> Sequence[str]:
    """The operating system's answer."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


async def permitted_addresses(host: str, port: int, resolver: Resolver, *, link_local: bool = False) -> list[Address]:
    """Where to connect for `host`: its best address, and its best of the other family. Raises `UpstreamError`.

    Link-local addresses, where clouds keep their credentials, are only permitted where `link_local` says so; private
    ones only under a name that does not look public.
    """
    literal = _literal(host)
    found = [literal] if literal else await _look_up(host, port, resolver)
    forbidden = () if link_local else _LINK_LOCAL
    if not literal and _looks_public(host):
        forbidden = _LINK_LOCAL + _PRIVATE
    permitted = [address for address in found if not any(_ipv4(address) in network for network in forbidden)]
    if not permitted:
        raise UpstreamError(
            f"{called(host)} leads to a private or link-local address, which is not permitted for it.",
            code="upstream_blocked",
            retry=Retry.OTHER_ROUTE,
        )
    best = permitted[0]
    return [best, *[address for address in permitted if address.version != best.version][:1]]


async def _look_up(host: str, port: int, resolver: Resolver) -> list[Address]:
    try:
        return [ipaddress.ip_address(address) for address in await resolver(host, port)]
    except socket.gaierror as error:
        retry = Retry.OTHER_ROUTE if error.errno in _NO_SUCH_NAME else Retry.SAME
        raise UpstreamUnreachable(f"The name {host} cannot be resolved.", retry=retry) from error
    except UnicodeError as error:
        raise UpstreamUnreachable(f"{host} is no host name.", retry=Retry.OTHER_ROUTE) from error


def _literal(host: str) -> Address | None:
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
