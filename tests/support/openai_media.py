"""A service that speaks the rest of OpenAI's dialect: embeddings, images, speech, transcriptions and videos.

Like OpenAI it refuses what its description does not know. What it answers is chosen by the model's name: `MODELS`
answer well, `FAULTS` go wrong, whatever they are asked for.
"""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.support.loops import LoopThread
from tests.support.openai_parameters import PARAMETERS, File, body_of, complaint
from tests.support.upstream import Seen, Wire, upstream

MODELS = (
    "text-embedding-3-small",
    "sloppy-embedding",  # heeds neither `encoding_format` nor `dimensions`, and answers backwards
    "strict-embedding",  # refuses both
    "dall-e-3",
    "gpt-image-1",  # refuses `response_format` and `style`
    "flux-links",  # gives URLs, whatever it is asked for
    "tts-1",
    "whisper-1",
    "gpt-4o-transcribe",  # refuses verbose_json
    "sora-2",
    "sora-2-pro",  # every film fails
)
NATURAL_LENGTH = 1536
SLOPPY_LENGTH = 8
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 64
REVISED = "A more detailed prompt: "
FAILED = "The prompt was blocked by our moderation system."
HEARD = "Something was said."
_SOUNDS = {"mp3": "mpeg", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "wav", "pcm": "pcm"}

Answering = Callable[[Wire], Awaitable[None]]


def vector(text: Any, length: int = NATURAL_LENGTH) -> list[float]:
    """The vector of a text, always the same: numbers that a float of 32 bits holds exactly."""
    source = random.Random(json.dumps(text))
    return [source.randrange(-(2**20), 2**20) / 2**20 for _ in range(length)]


def sound(text: str) -> bytes:
    """How `text` sounds; it can be heard again."""
    return b"ID3\x04\x00\x00" + text.encode() + b"\x00" * 512


class OpenAIMedia:
    """The script of the upstream. `lacks` are paths (`/embeddings`) that it has never heard of.

    `asked` are the requests in order; `body_of(seen)` reads one.
    """

    def __init__(self, *, lacks: Collection[str] = ()) -> None:
        self.url = ""
        self.asked: list[Seen] = []
        self._lacks = lacks
        self._polls: dict[str, int] = {}
        self._films: dict[str, dict[str, Any]] = {}

    def serves(self, path: str) -> bool:
        """Whether this is a path of ours: not one of chat."""
        return path.startswith(tuple(f"/v1{known}" for known in (*PARAMETERS, "/files")))

    async def __call__(self, seen: Seen, wire: Wire) -> None:
        path = seen.path.removeprefix("/v1")
        self.asked.append(seen)
        if path == "/models":
            listed = [
                {"id": model, "object": "model", "created": 1, "owned_by": "tests"} for model in (*MODELS, *FAULTS)
            ]
            await _json(wire, {"object": "list", "data": listed})
        elif path in self._lacks or not self.serves(seen.path):
            await _json(wire, {"detail": "Not Found"}, 404)
        elif path.startswith("/files/"):
            await wire.reply(200, PICTURE, content_type="image/png")
        elif seen.method == "GET":
            await self._film(path, wire)
        else:
            await self._make(path, seen, wire)

    async def _make(self, path: str, seen: Seen, wire: Wire) -> None:
        body = body_of(seen)
        model = body.get("model", "")
        problem = complaint(path, body)
        if model in FAULTS:
            await FAULTS[model](wire)
        elif model not in MODELS:
            await _refuse(wire, f"The model `{model}` does not exist", "model_not_found", status=404)
        elif problem is not None and model not in {"sloppy-embedding", "flux-links"}:
            await _json(wire, {"error": problem}, 400)
        else:
            makers = {"/embeddings": _embed, "/images/generations": _draw, "/audio/speech": _speak,
                      "/audio/transcriptions": _write_down, "/videos": self._begin_film}  # fmt: skip
            await makers[path](body, seen, wire)

    async def _begin_film(self, body: dict[str, Any], _: Seen, wire: Wire) -> None:
        name = f"video_{len(self._films) + 1}"
        self._polls[name] = 0
        self._films[name] = {
            "id": name,
            "object": "video",
            "model": body["model"],
            "prompt": body["prompt"],
            "seconds": body.get("seconds", "4"),
            "size": body.get("size", "720x1280"),
            "created_at": 1,
            "completed_at": None,
            "expires_at": None,
            "remixed_from_video_id": None,
        }
        await _json(wire, self._state(name))

    async def _film(self, path: str, wire: Wire) -> None:
        """A film is queued when it is asked for, under way at the first look, and at the second one it is there."""
        _, _, name, *rest = path.split("/")
        if name not in self._films:
            await _refuse(wire, f"Video with id '{name}' not found.", "not_found", status=404)
        elif not rest:
            self._polls[name] += 1
            await _json(wire, self._state(name))
        elif self._state(name)["status"] == "completed":
            await _in_chunks(wire, FILM, "video/mp4")
        else:
            await _refuse(wire, "Video is not ready yet, use GET /v1/videos/{video_id} to check status.", None)

    def _state(self, name: str) -> dict[str, Any]:
        polls, film = self._polls[name], self._films[name]
        status, progress, error = ("queued", 0, None) if polls == 0 else ("in_progress", 50, None)
        if polls > 0 and film["model"] == "sora-2-pro":
            status, progress, error = "failed", 50, {"code": "moderation_blocked", "message": FAILED}
        elif polls > 1:
            status, progress = "completed", 100
        return {**film, "status": status, "progress": progress, "error": error}


@contextmanager
def openai_media(*, lacks: Collection[str] = ()) -> Iterator[OpenAIMedia]:
    """Serve all this until the end of the block, in a thread of its own; `url` is then its base URL."""
    server = OpenAIMedia(lacks=lacks)
    with LoopThread() as thread:
        server.url = thread.enter(upstream(server)).url + "/v1"
        yield server


async def _embed(body: dict[str, Any], _: Seen, wire: Wire) -> None:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if body["model"] == "sloppy-embedding":
        listed = [{"index": at, "embedding": vector(one, SLOPPY_LENGTH)} for at, one in enumerate(inputs)]
        await _json(wire, {"data": listed[::-1]})
        return
    if body["model"] == "strict-embedding" and "encoding_format" in body:
        await _refuse(wire, "encoding_format must be 'float'", None)
        return
    if body["model"] == "strict-embedding" and "dimensions" in body:
        await _refuse(wire, 'Model "strict-embedding" does not support matryoshka representation, '
                            "changing output dimensions will lead to poor results.", None)  # fmt: skip
        return
    vectors: list[Any] = [vector(one, body.get("dimensions", NATURAL_LENGTH)) for one in inputs]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in vectors]
    tokens = sum(len(one.split()) if isinstance(one, str) else len(one) for one in inputs)
    await _json(wire, {
        "object": "list",
        "model": body["model"],
        "data": [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(vectors)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })  # fmt: skip


async def _draw(body: dict[str, Any], seen: Seen, wire: Wire) -> None:
    if body["model"] == "gpt-image-1":
        for name in ("response_format", "style"):
            if name in body:
                await _refuse(wire, f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)
                return
    as_bytes = body["model"] == "gpt-image-1" or body.get("response_format") == "b64_json"
    if as_bytes and body["model"] != "flux-links":
        picture = {"b64_json": base64.b64encode(PICTURE).decode()}
    else:
        picture = {"url": f"http://{seen.headers['host']}/v1/files/picture.png"}
    if body["model"] == "dall-e-3":
        picture["revised_prompt"] = REVISED + body["prompt"]
    answer: dict[str, Any] = {"created": 1, "data": [picture] * (body.get("n") or 1)}
    if body["model"] == "gpt-image-1":
        details = {"text_tokens": 5, "image_tokens": 0}
        answer["usage"] = {
            "input_tokens": 5, "output_tokens": 272, "total_tokens": 277, "input_tokens_details": details
        }  # fmt: skip
    await _json(wire, answer)


async def _speak(body: dict[str, Any], _: Seen, wire: Wire) -> None:
    await _in_chunks(wire, sound(body["input"]), f"audio/{_SOUNDS[body.get('response_format', 'mp3')]}")


async def _write_down(body: dict[str, Any], _: Seen, wire: Wire) -> None:
    wanted, model = body.get("response_format", "json"), body["model"]
    if model == "gpt-4o-transcribe" and wanted not in {"json", "text"}:
        await _refuse(wire, f"response_format '{wanted}' is not compatible with model '{model}'. "
                            "Use 'json' or 'text' instead.", "unsupported_value", param="response_format")  # fmt: skip
    elif wanted == "json":
        tokens = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19}
        seconds = {"type": "duration", "seconds": 2}
        usage = tokens if model == "gpt-4o-transcribe" else seconds
        await _json(wire, {"text": _heard(body["file"]), "usage": usage})
    elif wanted == "verbose_json":
        await _json(wire, _in_detail(_heard(body["file"]), body.get("timestamp_granularities", ["segment"])))
    else:
        await wire.reply(200, _heard(body["file"]) + "\n", content_type="text/plain; charset=utf-8")


def _heard(file: File) -> str:
    """What is said in a sound that was made here; any other is heard as the same sentence."""
    text = file.content.removeprefix(sound("")[:6]).rstrip(b"\x00")
    return text.decode() if file.content.startswith(b"ID3") else HEARD


def _in_detail(text: str, granularities: Collection[str]) -> dict[str, Any]:
    words = text.split()
    detail: dict[str, Any] = {"task": "transcribe", "language": "english", "duration": 1.5, "text": text}
    detail["usage"] = {"type": "duration", "seconds": 2}
    if "word" in granularities:
        detail["words"] = [{"word": word, "start": at / 2, "end": at / 2 + 0.4} for at, word in enumerate(words)]
    if "segment" in granularities:
        detail["segments"] = [{
            "id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": text, "tokens": [1, 2], "temperature": 0.0,
            "avg_logprob": -0.25, "compression_ratio": 1.0, "no_speech_prob": 0.01,
        }]  # fmt: skip
    return detail


async def _json(wire: Wire, body: Any, status: int = 200) -> None:
    await wire.reply(status, json.dumps(body))


async def _refuse(wire: Wire, message: str, code: str | None, *, status: int = 400, param: str | None = None) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    await _json(wire, {"error": error}, status)


async def _in_chunks(wire: Wire, content: bytes, media_type: str) -> None:
    await wire.head(200, content_type=media_type)
    for start in range(0, len(content), 1000):
        await wire.chunk(content[start : start + 1000])
    await wire.finish()


async def _limited(wire: Wire) -> None:
    error = {"message": "Rate limit reached for requests", "type": "requests", "code": "rate_limit_exceeded"}
    await wire.reply(429, json.dumps({"error": error}), retry_after="7")


async def _locked(wire: Wire) -> None:
    await _refuse(wire, "Incorrect API key provided: sk-nope.", "invalid_api_key", status=401)


async def _broken(wire: Wire) -> None:
    error = {"message": "The server had an error while processing your request.", "type": "server_error"}
    await _json(wire, {"error": error}, 500)


async def _page(wire: Wire) -> None:
    await wire.reply(200, "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>", content_type="text/html")


async def _cut(wire: Wire) -> None:
    """The connection breaks off in the middle of an answer that could be anything."""
    await wire.head(200, content_type="application/octet-stream")
    await wire.chunk(b'{"data": [')
    wire.close()


async def _empty(wire: Wire) -> None:
    await wire.reply(200, b"", content_type="application/octet-stream")


async def _blocked(wire: Wire) -> None:
    await _refuse(wire, "Your request was rejected by the safety system.", "moderation_blocked")


async def _in_band(wire: Wire) -> None:
    """A success, by its status alone."""
    await _json(wire, {"error": {"message": "All workers are overloaded.", "type": "overloaded_error"}})


FAULTS: Mapping[str, Answering] = {
    "limited": _limited,
    "locked": _locked,
    "broken": _broken,
    "page": _page,
    "cut": _cut,
    "empty": _empty,
    "blocked": _blocked,
    "in-band": _in_band,
}
