"""ASGI apps that do what our own never would, each run by the real runtime: `python strange_apps.py NAME`."""

import asyncio
import os
import sys
import time
from contextlib import suppress

from handlers.aws.runtime import serve
from handlers.aws.runtime_api import RuntimeApi

EVENTS = [(b"content-type", b"text/event-stream")]
TEXT = [(b"content-type", b"text/plain")]


async def start(send, headers, status=200):
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def body(send, data, more=False):
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def echo(scope, receive, send):
    """Tells what it was asked."""
    request = await receive()
    headers = b", ".join(b"%s=%s" % tuple(header) for header in scope["headers"] if header[0] in {b"cookie", b"x-two"})
    about = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {scope['client'][0]} "
    await start(send, [*TEXT, (b"x-two", b"1"), (b"X-Two", b"2"), (b"content-length", b"999")])
    await body(send, about.encode() + headers + b" " + request["body"])


async def cookies(_, __, send):
    await start(
        send, [(b"set-cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2, still b"), (b"content-type", b"text/plain")]
    )
    await body(send, b"baked")


async def megabyte(_, __, send):
    await start(send, TEXT)
    await body(send, bytes(range(256)) * 4096)


async def empty(scope, _, send):
    """Answers with the status in the path, and no body; in a HEAD request with one all the same."""
    await start(send, [(b"x-empty", b"yes")], int(scope["path"].strip("/")))
    await body(send, b"not for HEAD" if scope["method"] == "HEAD" else b"")


async def raises(_, __, ___):
    raise RuntimeError("sk-canary-0123456789")


async def raises_in_events(_, __, send):
    await start(send, EVENTS)
    await body(send, b"data: 1\n\n", more=True)
    raise RuntimeError("sk-canary-0123456789")


async def raises_in_text(_, __, send):
    await start(send, TEXT)
    await body(send, b"half an ", more=True)
    raise RuntimeError("sk-canary-0123456789")


async def forgets_the_end(_, __, send):
    await start(send, EVENTS)
    await body(send, b"data: 1\n\n", more=True)


async def blocks(_, __, send):
    """Holds the whole event loop up, for ever."""
    await start(send, EVENTS)
    await body(send, b"data: 1\n\n", more=True)
    time.sleep(3600)  # noqa: ASYNC251  # that is the fault


async def blocks_before(_, __, ___):
    time.sleep(3600)  # noqa: ASYNC251  # that is the fault


async def ignores_cancellation(_, __, send):
    await start(send, EVENTS)
    await body(send, b"data: 1\n\n", more=True)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def endless(_, __, send):
    """Goes on and on."""
    await start(send, EVENTS)
    while True:
        await body(send, b"data: " + b"x" * 1000 + b"\n\n", more=True)
        await asyncio.sleep(0.005)


async def waits(scope, _, send):
    """Begins with what the path names, events or text; then nothing more comes."""
    if scope["path"] == "/events":
        await start(send, EVENTS)
        await body(send, b"data: 1\n\n", more=True)
    elif scope["path"] == "/text":
        await start(send, TEXT)
        await body(send, b"half an ", more=True)
    await asyncio.Event().wait()


async def lingers(scope, _, send):
    """Is not done with its last byte."""
    await start(send, TEXT)
    await body(send, b"done")
    try:
        await asyncio.Event().wait()
    finally:
        sys.stdout.write("let go\n")


async def where(_, __, send):
    await start(send, TEXT)
    await body(send, f"{os.getpid()} {id(asyncio.get_running_loop())}".encode())


def broken():
    raise OSError("the disk is made of cheese")


if __name__ == "__main__":
    name = sys.argv[1]
    serve(RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"]), broken if name == "broken" else lambda: globals()[name])
