"""How every kind of upstream makes things that are no chat, and refuses to."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.kinds import KINDS, at
from tests.faults.stage import openai
from tests.support.upstream import Script, Seen, Wire

SOUND = b"ID3\x04" + bytes(range(256)) * 4
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 4
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
FIRST = 100
"""Bytes that come before an answer breaks off."""


class Made(NamedTuple):
    """A good answer. In it, HOST stands for where the upstream is."""

    media_type: str
    content: bytes

    def for_(self, seen: Seen) -> bytes:
        return self.content.replace(b"HOST", seen.headers["host"].encode())


@dataclass(frozen=True)
class Maker:
    """`makes` are good answers by operation, and `asked` says which one a request is for.

    `elsewhere` are operations whose answer lies on the web: there all failures are alike. For those that are done
    `alone` nobody is asked, so nothing can fail; a demo does all of them so, with `models` of its own.
    `never_twice`: to it, whatever it makes is costly.
    """

    provider: Callable[[str], Mapping[str, Any]]
    makes: Mapping[str, Made] = field(default_factory=dict)
    asked: Callable[[Seen], str] = lambda _: ""
    refuses: Callable[[int], Any] = lambda _: None
    elsewhere: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    never_twice: bool = False
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def can(self) -> set[str]:
        return {*self.makes, *self.models, *self.alone}

    def script(self, operation: str, fault: Fault) -> Script:
        """The upstream that meets every request for `operation` with `fault`, and makes all else that it is asked."""

        async def script(seen: Seen, wire: Wire) -> None:
            asked = self.asked(seen)
            await (fault if asked == operation else well)(self, self.makes[asked], seen, wire)

        return script


Fault = Callable[[Maker, Made, Seen, Wire], Any]
"""What an upstream does with a request that should be answered with what it made."""


async def well(_: Maker, made: Made, seen: Seen, wire: Wire) -> None:
    await wire.reply(200, made.for_(seen), content_type=made.media_type)


async def limited(maker: Maker, _: Made, __: Seen, wire: Wire) -> None:
    await wire.reply(429, json.dumps(maker.refuses(429)), retry_after="13")


async def locked(maker: Maker, _: Made, __: Seen, wire: Wire) -> None:
    await wire.reply(401, json.dumps(maker.refuses(401)), www_authenticate="Bearer")


async def broken(maker: Maker, _: Made, __: Seen, wire: Wire) -> None:
    await wire.reply(500, json.dumps(maker.refuses(500)))


async def page(_: Maker, __: Made, ___: Seen, wire: Wire) -> None:
    await wire.reply(200, "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>", content_type="text/html")


async def nothing(_: Maker, made: Made, __: Seen, wire: Wire) -> None:
    await wire.reply(200, b"", content_type=made.media_type)


async def gone(_: Maker, __: Made, ___: Seen, wire: Wire) -> None:
    wire.close()


async def silent(_: Maker, __: Made, ___: Seen, wire: Wire) -> None:
    await wire.hung_up()


async def cut(_: Maker, made: Made, seen: Seen, wire: Wire) -> None:
    """Half of a body whose end its chunks would have told."""
    await begun(made, seen, wire)
    wire.close()


async def short(_: Maker, made: Made, seen: Seen, wire: Wire) -> None:
    """Half of a body whose length was told."""
    content = made.for_(seen)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {made.media_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    await wire.raw(head.encode() + content[: _first(content)])
    wire.close()


async def reset(_: Maker, made: Made, seen: Seen, wire: Wire) -> None:
    await begun(made, seen, wire)
    wire.reset()


async def stalled(_: Maker, made: Made, seen: Seen, wire: Wire) -> None:
    await begun(made, seen, wire)
    await wire.hung_up()


async def begun(made: Made, seen: Seen, wire: Wire) -> None:
    content = made.for_(seen)
    await wire.head(200, content_type=made.media_type)
    await wire.chunk(content[: _first(content)])


def _first(content: bytes) -> int:
    return min(FIRST, len(content) // 2)


def _json(**body: Any) -> Made:
    return Made("application/json", json.dumps(body).encode())


# How they speak


def _openai_asked(seen: Seen) -> str:
    _, _, what, *rest = seen.path.split("/")
    match what, rest, seen.method:
        case "videos", [], _:
            return "film begun"
        case "videos", [_], _:
            return "film looked after"
        case "videos", _, _:
            return "film fetched"
        case "audio", [name], _:
            return name.removesuffix("s")
    return what


def _openai_refuses(status: int) -> Any:
    return {
        "error": {"message": f"It is refused, as {status} says.", "type": "some_error", "param": None, "code": None}
    }


def _puter_asked(seen: Seen) -> str:
    if seen.method == "GET":
        return "film fetched"
    return {
        "puter-image-generation": "images",
        "puter-tts": "speech",
        "puter-speech2txt": "transcription",
        "puter-video-generation": "film begun",
    }[seen.json["interface"]]


def _puter_refuses(status: int) -> Any:
    code = {429: "too_many_requests", 401: "token_auth_failed", 500: "internal_error"}[status]
    return {"error": "It is refused.", "message": "It is refused.", "code": code}


_USAGE = {"prompt_tokens": 1, "total_tokens": 1}
_FILM = {"id": "film-1", "object": "video", "model": "m", "progress": 100}

MAKERS: Mapping[str, Maker] = {
    "openai": Maker(
        openai,
        {
            "embeddings": _json(data=[{"index": 0, "embedding": [0.5] * 64}], usage=_USAGE),
            "images": _json(created=1, data=[{"b64_json": PICTURE}]),
            "speech": Made("audio/mpeg", SOUND),
            "transcription": _json(text="Something was said."),
            "film begun": _json(**_FILM, status="queued"),
            "film looked after": _json(**_FILM, status="completed"),
            "film fetched": Made("video/mp4", FILM),
        },
        _openai_asked,
        _openai_refuses,
    ),
    "puter": Maker(
        at("puter"),
        {
            "images": _json(success=True, result=f"data:image/png;base64,{PICTURE}"),
            "speech": Made("audio/mpeg", SOUND),
            "transcription": _json(success=True, result={"text": "Something was said."}),
            "film begun": _json(success=True, result="http://HOST/film.mp4"),
            "film fetched": Made("video/mp4", FILM),
        },
        _puter_asked,
        _puter_refuses,
        elsewhere=frozenset({"film fetched"}),
        alone=frozenset({"film looked after"}),
        never_twice=True,
    ),
    "demo": Maker(
        KINDS["demo"].provider,
        models={
            "embeddings": "demo/embedding",
            "images": "demo/picture",
            "speech": "demo/voice",
            "transcription": "demo/scribe",
            "film begun": "demo/film",
            "film looked after": "demo/film",
            "film fetched": "demo/film",
        },
    ),
    **{kind: Maker(KINDS[kind].provider) for kind in ("declared", "edgeone", "gptanon", "flowgpt")},
}
