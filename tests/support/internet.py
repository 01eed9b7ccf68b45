"""A stand-in for the internet: all its addresses lead to this machine."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address

from core.wire.addresses import Address, public_addresses
from core.wire.connection import Connection
from core.wire.pool import Origin
from core.wire.transport import Transport
from tests.support.tls import HOST

PUBLIC = "93.184.215.14"
PUBLIC6 = "2606:2800:21f:cb07::1"
NAMES = {
    HOST: [PUBLIC],
    "other.test": ["203.0.114.7"],
    "six.test": [PUBLIC6, PUBLIC],
    "nat64.test": ["64:ff9b::5db8:d70e"],
    "inside.test": ["10.0.0.1"],
    "half-inside.test": [PUBLIC, "10.0.0.1"],
    "loopback.test": ["::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "empty.test": [],
    "127.1": ["127.0.0.1"],
    "2130706433": ["127.0.0.1"],
    "0x7f000001": ["127.0.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
}


class Internet(Transport):
    """Connects to this machine instead of a public address, and remembers which one it was."""

    def __init__(self, private: bool = False, context: Callable[[], ssl.SSLContext] = ssl.create_default_context):
        super().__init__(
            resolver=self.resolve, addresses=partial(public_addresses, private=private), ssl_context=context
        )
        self.names = dict(NAMES)
        self.asked: list[str] = []
        self.reached: list[str] = []

    async def resolve(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.names[host]

    async def _open(self, origin: Origin, address: Address) -> Connection:
        self.reached.append(str(address))
        return await super()._open(origin, ip_address("127.0.0.1"))
