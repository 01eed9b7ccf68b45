"""A gateway on a real socket, between scripted upstreams and a caller who reads bytes.

Every secret in it is a canary: when the stage is cleared, none may have shown in what a caller saw or the log said.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from core.api.shared.log import JsonLines
from core.chat.settings import read_settings
from core.gateway.gateway import Gateway
from core.gateway.upstreams import Upstream as Kept
from tests.support.caller import CHAT, Said, calling, read, request
from tests.support.gateway import KEY, Served, gateway
from tests.support.upstream import Script, Seen, Upstream, Wire, upstream

TOKENS = ("tok-canary-alpha-5e1f", "tok-canary-bravo-77aa")
EXTRA = "hdr-canary-charlie-90d1"
CANARIES = (*TOKENS, EXTRA, KEY)
DONE = b"data: [DONE]\n\n"
FAST = {"first_event_timeout": 3.0, "idle_timeout": 3.0, "total_timeout": 30}


# What an upstream says


def event(body: Any) -> bytes:
    return b"data: %s\n\n" % (body if isinstance(body, bytes) else json.dumps(body).encode())


def delta(finish: str | None = None, **fields: Any) -> bytes:
    """One chunk of OpenAI's dialect."""
    return event({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]})


def text(content: str) -> bytes:
    return delta(content=content)


END = delta("stop") + event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}) + DONE
HELLO = delta(role="assistant", content="") + text("Hel") + text("lo")


def says(*pieces: bytes, ends: bool = True, pause: float = 0.0, **headers: str) -> Script:
    """A stream of these pieces. Unless it `ends`, nothing more comes, and nothing closes either.

    A `pause` between them has them arrive in reads of their own.
    """

    async def script(_: Seen, wire: Wire) -> None:
        await wire.head(**{"content_type": "text/event-stream", **headers})
        for piece in pieces:
            await wire.chunk(piece)
            await asyncio.sleep(pause)
        if ends:
            await wire.finish()
        else:
            await wire.hung_up()

    return script


def replies(status: int, body: Any = b"", **headers: str) -> Script:
    """A whole answer."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body if isinstance(body, bytes) else json.dumps(body), **headers)

    return script


def refusal(status: int, message: str = "It is refused.", **fields: Any) -> Script:
    """A refusal in OpenAI's form. Fields that are headers begin with a capital letter."""
    headers = {name: fields.pop(name) for name in [*fields] if name[0].isupper()}
    return replies(status, {"error": {"message": message, "type": "some_error", "code": None, **fields}}, **headers)


GOOD = says(HELLO, END)


async def silent(_: Seen, wire: Wire) -> None:
    await wire.hung_up()


def in_turn(*scripts: Script) -> Script:
    """One script for each request, the last one for all that follow."""
    left = list(scripts)

    async def script(seen: Seen, wire: Wire) -> None:
        await (left[0] if len(left) == 1 else left.pop(0))(seen, wire)

    return script


# The stage


@dataclass
class Stage:
    """`a` and `b` are the upstreams; the model `a/m` is asked of a alone, `both` falls back from a to b."""

    served: Served
    gateway: Gateway
    upstreams: Mapping[str, Upstream]
    log: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    requests: int = 0
    """How many lines about requests were looked at and forgotten."""

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def a(self) -> Upstream:
        return self.upstreams["a"]

    @property
    def b(self) -> Upstream:
        return self.upstreams["b"]

    def kept(self, name: str = "a") -> Kept:
        """What the gateway keeps about an upstream."""
        return self.gateway.upstreams[name]

    @property
    def rests(self) -> dict[str, str]:
        """The secret of every token that rests, and why."""
        return {token.secret: rest.reason for token, _, rest in self.kept().pool.states()}

    async def ask(self, *, stream: bool = False, path: str = CHAT, **body: Any) -> Said:
        """The answer to a short chat."""
        return await self.send(request(self.url, asked(stream=stream, **body), path=path))

    async def send(self, sent: bytes) -> Said:
        async with calling(self.url, sent) as reader:
            said = await read(reader)
        self.heard.append(said.raw)
        return said

    @asynccontextmanager
    async def asking(self, *, stream: bool = True, **body: Any) -> AsyncIterator[asyncio.StreamReader]:
        """The connection on which a short chat was asked; leaving the block hangs up."""
        async with calling(self.url, request(self.url, asked(stream=stream, **body))) as reader:
            yield reader

    async def rest(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Returns when only `tasks` are left, and no connection to an upstream."""
        async with asyncio.timeout(10):
            while self.served.tasks() - tasks:
                self.served.thread.run(self.gateway.aclose())  # else a connection would wait for its next request
                await asyncio.sleep(0.005)
        self.served.thread.run(self.gateway.aclose())
        for each in self.upstreams.values():
            await each.connections(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when `condition` holds; for what the server does after the last byte."""
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110  # the server runs in another thread and tells nobody
                await asyncio.sleep(0.001)

    def check_canaries(self) -> None:
        """Nobody saw one; what was heard and logged by now is forgotten."""
        self.requests += len(self.entries())
        seen = b"".join(self.heard) + "\n".join(self.log).encode()
        self.heard.clear()
        self.log.clear()
        assert [canary for canary in CANARIES if canary.encode() in seen] == []

    def entries(self) -> list[dict[str, Any]]:
        """The log's lines about requests; complete once the stage is cleared."""
        entries = [json.loads(line) for line in self.log]
        return [entry for entry in entries if "status" in entry]


def asked(*, stream: bool = False, **body: Any) -> dict[str, Any]:
    return {"model": "a/m", "messages": [{"role": "user", "content": "Say hello."}], "stream": stream, **body}


def openai(url: str) -> dict[str, Any]:
    """The table of a provider at `url`."""
    return {"kind": "openai", "base_url": f"{url}/v1", "headers": {"x-extra": "secret://EXTRA"}}


def config(
    urls: Mapping[str, str],
    *,
    provider: Callable[[str], Mapping[str, Any]] = openai,
    models: Any = ("m",),
    others: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """The configuration of a stage: a `provider` for each of `urls`, and `others` that need none."""
    common = {"tokens": "secret://TOKENS", "models": list(models) if isinstance(models, tuple) else models}
    return {
        "gateway": {**FAST, **settings},
        "providers": {**{name: {**common, **provider(url)} for name, url in urls.items()}, **(others or {})},
        "models": {"both": [f"{name}/m" for name in urls]},
    }


class House:
    """One server for all stages, since starting one takes longer than most plays; what it serves is changed."""

    app: Any
    play: Any

    @property
    def _app(self) -> Any:
        return self.app._app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.play(scope, receive, send)


@asynccontextmanager
async def set_stage(
    house: House,
    served: Served,
    *scripts: Script,
    tokens: Sequence[str] = TOKENS[:1],
    wrap: Callable[[Any], Any] = lambda app: app,
    urls: Mapping[str, str] | None = None,
    secrets_url: str = "env://",
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Set up an upstream for each script and the gateway before them, and see that they are left in order."""
    log, taking = [], _Log()
    async with AsyncExitStack() as stack:
        upstreams = {
            name: await stack.enter_async_context(upstream(script))
            for name, script in zip("abc", scripts, strict=False)
        }
        taking.into(log)
        stack.callback(taking.stop)
        addresses = {**{name: each.url for name, each in upstreams.items()}, **(urls or {})}
        document = config(addresses, **settings)
        secrets = {"TOKENS": ",".join(tokens), "EXTRA": EXTRA}
        app = gateway(read_settings(document, secrets_url=secrets_url), secrets)
        house.app, house.play = app, wrap(app)
        idle = served.tasks()
        here = Stage(served, app._app.state.gateway, upstreams, log)
        yield here
        await here.rest(idle)
    _in_order(here)


def _in_order(here: Stage) -> None:
    """No token is held by a request that is over, and nobody saw a canary."""
    for kept in here.gateway.upstreams.values():
        assert not any(rest.probing for _, _, rest in kept.pool.states())
    seen = b"".join(here.heard) + "\n".join(here.log).encode()
    assert [canary for canary in CANARIES if canary.encode() in seen] == []


class _Log(logging.Handler):
    """Takes every line of every log as it would be written, and alone, since others keep what they take."""

    def into(self, lines: list[str]) -> None:
        self._lines = lines
        self._before = logging.root.level, logging.root.handlers
        self.setFormatter(JsonLines())
        logging.root.handlers = [self]
        logging.root.setLevel(logging.INFO)

    def stop(self) -> None:
        level, logging.root.handlers = self._before
        logging.root.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


# What a caller must see

FORM = {"message", "type", "param", "code"}


def refused(said: Said, status: int, code: str | None, *, after: int | None = None, saying: str = "") -> None:
    """An honest status with OpenAI's error object, and nothing that looks like an answer."""
    assert (said.status, said.json["error"]["code"]) == (status, code)
    assert said.is_complete
    assert said.headers["content-type"] == "application/json"
    assert set(said.json) == {"error"}
    assert set(said.json["error"]) == FORM
    assert saying in said.json["error"]["message"]
    assert said.headers["x-request-id"].startswith("req_")
    assert said.headers["access-control-allow-origin"] == "*"
    assert said.headers.get("retry-after") == (None if after is None else str(after))


def broken_off(said: Said, code: str, *, after: str = "Hello", saying: str = "") -> None:
    """A stream that ends with its error: in good HTTP, without [DONE], without a reason to finish."""
    assert said.status == 200
    assert said.is_complete
    assert said.text == after
    assert set(said.objects[-1]) == {"error"}
    assert said.error is not None
    assert set(said.error) == FORM
    assert said.error["code"] == code
    assert saying in said.error["message"]
    assert said.finishes == []
    assert b"[DONE]" not in said.content


def failed(said: Said, status: int, code: str, *, streamed: bool, after: str = "Hello", saying: str = "") -> None:
    """A failure after the commit point: in the stream, or a status where nothing was sent yet."""
    if streamed:
        broken_off(said, code, after=after, saying=saying)
    else:
        refused(said, status, code, saying=saying)


def answered(said: Said, text: str = "Hello", finish: str = "stop") -> None:
    """A whole, lawful answer."""
    assert said.status == 200, said.raw
    assert said.is_complete
    assert (said.text, said.finishes, said.error) == (text, [finish], None)
    assert said.is_done or not said.is_stream
