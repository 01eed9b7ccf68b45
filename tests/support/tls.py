"""TLS for upstreams on this machine, without anyone's real authority."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence

import trustme

HOST = "upstream.test"


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """For a server with `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """For a client that knows `authority`."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def leading_to(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Resolves every name to `addresses`."""

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolver
