"""A stand-in for AWS Lambda behind a function URL with RESPONSE_STREAM: one sandbox, the Runtime API, the HTTP front.

It starts the runtime when the first invocation comes, stops its process whenever Lambda would freeze it, kills it at
the deadline, and hands streamed answers on as they come. What a runtime may not do is refused and kept in `violations`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11

from tests.support.lambda_events import function_url_event
from tests.support.lambda_wire import Peer

STREAM_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE = {"statusCode", "headers", "cookies", "multiValueHeaders"}


@dataclass
class Invocation:
    """`parts` is what comes back: (head, prelude), (data, bytes), (end, trailers), (whole, bytes) or (crash, why).

    It holds but a few, so that a slow caller slows the function down.
    """

    event: Any
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    echo: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = 0.0
    answered: bool = False
    parts: asyncio.Queue[tuple[str, Any]] = field(default_factory=lambda: asyncio.Queue(4))


class Lambda:
    """`url` is the function URL. `deadline` is when the latest invocation was, or would have been, killed (epoch).

    `starts` counts sandboxes, `kills` those that were killed at a deadline, `reports` are errors that the runtime told.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], limit: float, output: Path) -> None:
        self.url = ""
        self.deadline = 0.0
        self.starts = self.kills = 0
        self.trailers: list[dict[str, str]] = []
        self.reports: list[tuple[str, str, dict[str, Any]]] = []
        self.violations: list[str] = []
        self.frozen = asyncio.Event()
        self._command = command
        self._environment = environment
        self._limit = limit
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._pending: asyncio.Queue[Invocation] = asyncio.Queue()
        self._current: Invocation | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._turn = asyncio.Lock()
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def log(self) -> list[str]:
        """All lines that the function wrote."""
        return self._output.read_text("utf-8").splitlines() if self._output.exists() else []

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Those of them that are JSON objects."""
        return [json.loads(line) for line in self.log if line.startswith("{")]

    async def invoke(self, event: Any) -> tuple[dict[str, Any], bytes]:
        """An invocation by the API's Invoke, which may forge any event: the prelude, if any, and the payload."""
        prelude: dict[str, Any] = {}
        payload = b""
        async with self._invocation(event) as invocation:
            while True:
                kind, value = await invocation.parts.get()
                if kind == "head":
                    prelude = value
                elif kind in {"data", "whole"}:
                    payload += value
                if kind not in {"head", "data"}:
                    assert kind == "whole" or (kind == "end" and not value), (kind, value)
                    return prelude, payload

    def terminate(self) -> None:
        """What Lambda sends to a sandbox that it is about to end."""
        assert self._process is not None
        self._thaw()
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """The exit code of the sandbox."""
        assert self._process is not None
        return await self._process.wait()

    # The sandbox

    @asynccontextmanager
    async def _invocation(self, event: Any) -> AsyncIterator[Invocation]:
        async with self._turn:
            if self._process is None or self._process.returncode is not None:
                await self._start()
            invocation = self._current = Invocation(event)
            self._thaw()
            await self._pending.put(invocation)
            try:
                yield invocation
                await self._over()
            finally:
                self._current = None

    async def _over(self) -> None:
        """An invocation ends not with its answer, but when the runtime asks for the next one, or is gone."""
        ends = [asyncio.create_task(self.frozen.wait()), asyncio.create_task(self._process.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()

    async def _start(self) -> None:
        self.starts += 1
        self._pending = asyncio.Queue()
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )
        watcher = asyncio.create_task(self._watch(self._process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if self._current is not None:
            await self._current.parts.put(("crash", f"the runtime exited with {code}"))

    def _freeze(self) -> None:
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGSTOP)
        self.frozen.set()

    def _thaw(self) -> None:
        self.frozen.clear()
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGCONT)

    def _expire(self, invocation: Invocation) -> None:
        if self._current is invocation and not self.frozen.is_set():
            self.kills += 1
            self.kill()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    # The Runtime API

    async def runtime_api(self, peer: Peer) -> None:
        request = await peer.request()
        if request is None:
            return
        path = request.path.removeprefix("/2018-06-01/runtime")
        if path == "/invocation/next":
            await peer.body()
            await self._next(peer)
        elif path == "/restore/next":
            await peer.body()
            self.reports.append(("restore", "", {}))
            await peer.reply(200)
        elif path.endswith("/error"):
            await self._error(path, request.headers, peer)
        else:
            await self._response(path, request.headers, peer)

    async def _next(self, peer: Peer) -> None:
        if self._current is not None and self._current.answered:
            self._freeze()
        invocation = await self._pending.get()
        invocation.deadline = self.deadline = time.time() + self._limit
        loop = asyncio.get_running_loop()
        self._timers.add(loop.call_later(self._limit, self._expire, invocation))
        await peer.reply(
            200,
            json.dumps(invocation.event).encode(),
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:any2api",
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
                "Lambda-Runtime-Invocation-Id": invocation.echo,
            },
        )

    async def _error(self, path: str, headers: Mapping[str, str], peer: Peer) -> None:
        report = json.loads(await peer.body())
        self.reports.append((path, headers["lambda-runtime-function-error-type"], report))
        if self._current is not None:
            self._current.answered = True
            await self._current.parts.put(("crash", report["errorMessage"]))
        await peer.reply(202, b'{"status":"OK"}')

    async def _response(self, path: str, headers: Mapping[str, str], peer: Peer) -> None:
        invocation = self._current
        if invocation is None or path != f"/invocation/{invocation.id}/response":
            await self._refuse(peer, f"an answer to {path}, which is not under way")
        elif headers.get("lambda-runtime-invocation-id") != invocation.echo:
            await self._refuse(peer, "the invocation's id was not echoed")
        elif headers.get("lambda-runtime-function-response-mode") != "streaming":
            if headers.get("content-type") != "application/json":
                await self._refuse(peer, f"a whole answer of type {headers.get('content-type')}")
                return
            body = await peer.body()
            json.loads(body)
            invocation.answered = True
            await invocation.parts.put(("whole", body))
            await peer.reply(202, b'{"status":"OK"}')
        elif headers.get("content-type") != STREAM_TYPE or headers.get("transfer-encoding") != "chunked":
            await self._refuse(peer, f"a stream of type {headers.get('content-type')}")
        else:
            await self._stream(invocation, headers, peer)

    async def _stream(self, invocation: Invocation, headers: Mapping[str, str], peer: Peer) -> None:
        head, buffer, size = False, b"", 0
        async for chunk in peer.chunks():
            if head:
                size += len(chunk)
                await invocation.parts.put(("data", chunk))
                continue
            buffer += chunk
            raw, end, rest = buffer.partition(bytes(8))
            if end:
                head, size = True, len(rest)
                await invocation.parts.put(("head", self._prelude(raw)))
                if rest:
                    await invocation.parts.put(("data", rest))
        trailers = peer.trailers
        if unannounced := set(trailers) - {name.strip().lower() for name in headers.get("trailer", "").split(",")}:
            self.violations.append(f"trailers that were not announced: {unannounced}")
        self.trailers.append(trailers)
        invocation.answered = True
        if not size and not trailers:
            self.violations.append("a stream without a byte of body, which Lambda keeps open until the deadline")
        else:
            await invocation.parts.put(("end", trailers))
        await peer.reply(202, b'{"status":"OK"}')

    def _prelude(self, raw: bytes) -> dict[str, Any]:
        prelude = json.loads(raw)
        if not set(prelude) <= PRELUDE or not isinstance(prelude["statusCode"], int) or len(raw) > 16_376:
            self.violations.append(f"no prelude: {raw[:200]!r}")
        values = [*prelude.get("headers", {}).values(), *prelude.get("cookies", [])]
        if not all(isinstance(value, str) for value in values):
            self.violations.append("a header that is no string")
        return prelude

    async def _refuse(self, peer: Peer, why: str) -> None:
        self.violations.append(why)
        await peer.body()
        await peer.reply(400, b'{"errorType":"InvalidRequest"}')

    # The front

    async def front(self, peer: Peer) -> None:
        while request := await peer.request():
            event = function_url_event(request, await peer.body())
            async with self._invocation(event) as invocation:
                if not await self._forward(invocation, peer, bodiless=request.method == "HEAD"):
                    return
            if not peer.again():
                return

    async def _forward(self, invocation: Invocation, peer: Peer, *, bodiless: bool) -> bool:
        """Whether the caller got a whole answer. One who is gone changes nothing: Lambda lets the function run on."""
        started = False
        while True:
            kind, value = await invocation.parts.get()
            with suppress(ConnectionError):
                if kind == "head":
                    started = True
                    bodiless = bodiless or value["statusCode"] in {204, 304}
                    await peer.head(value["statusCode"], value.get("headers", {}), value.get("cookies", []), bodiless)
                elif kind == "data":
                    await peer.data(b"" if bodiless else value)
                else:
                    await self._finish(peer, kind, value, started=started)
            if kind not in {"head", "data"}:
                return kind == "end" and not value

    async def _finish(self, peer: Peer, kind: str, value: Any, *, started: bool) -> None:
        if kind == "end" and not value:
            await peer.end()
        elif kind == "whole":
            await peer.reply(200, value, {"Content-Type": "application/json"})
        elif started:
            peer.abort()
        else:
            await peer.reply(502, b"Internal Server Error")

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self.kill()


@asynccontextmanager
async def function(
    command: Sequence[str], environment: Mapping[str, str], output: Path, *, limit: float = 30.0
) -> AsyncIterator[Lambda]:
    """A deployed function: `command` is what starts its runtime, `limit` its timeout in seconds."""
    variables = dict(environment)
    stand_in = Lambda(command, variables, limit, output)
    async with _serving(stand_in.runtime_api) as api, _serving(stand_in.front) as front:
        variables["AWS_LAMBDA_RUNTIME_API"] = api
        stand_in.url = f"http://{front}"
        try:
            yield stand_in
        finally:
            stand_in.close()
            if stand_in._process is not None:
                await stand_in.ended()
    assert stand_in.violations == []


@asynccontextmanager
async def _serving(answer: Any) -> AsyncIterator[str]:
    tasks: set[asyncio.Task[Any] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            with suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
                await answer(Peer(reader, writer))
        finally:
            tasks.discard(asyncio.current_task())
            writer.close()

    listener = socket.create_server(("127.0.0.1", 0))
    for side in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # no seconds' worth of an answer may lie between two programs
        listener.setsockopt(socket.SOL_SOCKET, side, 64 * 1024)
    server = await asyncio.start_server(connected, sock=listener)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
