"""Connections that wait for their next request."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import httpx

from core.wire.connection import Connection


class Origin(NamedTuple):
    """Where a connection leads; those of one origin serve each other's requests."""

    secure: bool
    host: str
    port: int

    @classmethod
    def of(cls, url: httpx.URL) -> Origin:
        if url.scheme not in {"http", "https"} or not url.raw_host:
            raise httpx.UnsupportedProtocol("neither an http:// nor an https:// address")
        secure = url.scheme == "https"
        return cls(secure, url.raw_host.decode("ascii"), url.port or (443 if secure else 80))


class Pool:
    """Keeps connections for `keep_alive` seconds and gives back the latest first. It limits nothing.

    A connection belongs to the event loop that made it, and is of no use to another.
    """

    def __init__(self, keep_alive: float) -> None:
        self._keep_alive = keep_alive
        self._waiting: dict[Origin, dict[Connection, asyncio.TimerHandle]] = {}

    def take(self, origin: Origin) -> Connection | None:
        """A connection that can be used now; it is no longer in the pool."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(origin, {})
        while waiting:
            connection, expiry = waiting.popitem()
            if connection.loop is not loop:
                continue
            expiry.cancel()
            if connection.usable() and expiry.when() > loop.time():  # after a freeze the timer may be late
                return connection
            connection.abort()
        return None

    def give(self, origin: Origin, connection: Connection) -> None:
        """Take in `connection`, or close it where it is good for nothing more."""
        if not connection.rest():
            connection.abort()
            return
        expiry = connection.loop.call_later(self._keep_alive, self._expire, origin, connection)
        self._waiting.setdefault(origin, {})[connection] = expiry

    def clear(self) -> None:
        """Close all connections of the running loop."""
        for origin in self._waiting:
            while (connection := self.take(origin)) is not None:
                connection.abort()

    def _expire(self, origin: Origin, connection: Connection) -> None:
        self._waiting[origin].pop(connection, None)
        connection.abort()
