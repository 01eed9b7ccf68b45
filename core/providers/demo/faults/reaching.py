"""Faults before the first event: the upstream breaks off, keeps silent, or sends us elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.providers.demo.asked import Asked
from core.providers.demo.connection import Connection
from core.providers.demo.faults.fault import SLOW, Fault, Script, behave, stream
from core.providers.demo.replies import event, headers

_TICK: Final = 1.0


async def reset(connection: Connection, _: Asked) -> None:
    connection.reset()


async def reset_once(connection: Connection, asked: Asked) -> None:
    if connection.every_other(asked.model):
        connection.reset()
    else:
        await behave(connection, asked)


async def close(connection: Connection, _: Asked) -> None:
    connection.close()


async def speak_ssh(connection: Connection, _: Asked) -> None:
    await connection.send(b"SSH-2.0-OpenSSH_9.9\r\n")
    connection.close()


async def keep_silent(connection: Connection, _: Asked) -> None:
    await connection.hold()


async def be_slow(connection: Connection, asked: Asked) -> None:
    await connection.pause(SLOW)
    await behave(connection, asked)


async def stall(connection: Connection, asked: Asked) -> None:
    await connection.begin(headers(asked))
    await connection.hold()


async def comment_forever(connection: Connection, asked: Asked) -> None:
    await _repeat(connection, asked, b": still working on it\n\n" if asked.stream else b"\n")


async def take_role_forever(connection: Connection, asked: Asked) -> None:
    await _repeat(connection, asked, event(stream(asked)[0]) if asked.stream else b"\n")


async def _repeat(connection: Connection, asked: Asked, piece: bytes) -> None:
    await connection.begin(headers(asked))
    while True:
        await connection.chunk(piece)
        await connection.pause(_TICK)


def redirect(status: int, to: Mapping[str, str]) -> Script:
    async def script(connection: Connection, _: Asked) -> None:
        await connection.reply(status, b"", to)

    return script


_ELSEWHERE: Final = {"Location": "http://elsewhere.invalid/v1/chat/completions"}
_ITSELF: Final = {"Location": "/v1/chat/completions"}

UNREACHABLE: Final = "502 upstream_unreachable"
TIMEOUT: Final = "504 upstream_timeout"
REDIRECTED: Final = "502 upstream_redirect_blocked, and nothing is sent to the other host"

# fmt: off
REACHING: Final = (
    Fault("fault-reset-before-headers", "resets the connection instead of answering",
          UNREACHABLE, reset),
    Fault("fault-reset-once", "resets the connection at every other request",
          "a normal answer, after a retry", reset_once),
    Fault("fault-close-before-headers", "closes the connection instead of answering",
          UNREACHABLE, close),
    Fault("fault-not-http", "speaks SSH",
          "502 upstream_bad_response", speak_ssh),
    Fault("fault-no-response", "takes the request and never answers",
          TIMEOUT, keep_silent),
    Fault("fault-slow-first-byte", f"answers after {SLOW:.0f} s",
          "a normal answer, if that is soon enough", be_slow),
    Fault("fault-stall-before-first-event", "sends headers and nothing more",
          TIMEOUT, stall),
    Fault("fault-comments-forever", "sends nothing but keep-alive comments",
          TIMEOUT, comment_forever),
    Fault("fault-role-only-forever", "takes the assistant's role again and again, and says nothing",
          TIMEOUT, take_role_forever),
    Fault("fault-redirect", "redirects to another host (307)",
          REDIRECTED, redirect(307, _ELSEWHERE)),
    Fault("fault-redirect-loop", "redirects to itself (308)",
          "502 upstream_redirect_blocked", redirect(308, _ITSELF)),
    Fault("fault-redirect-nowhere", "redirects without saying where (302)",
          "502 upstream_redirect_blocked", redirect(302, {})),
)
# fmt: on
