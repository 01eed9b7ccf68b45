"""Every API that is no chat: how to ask for something, and what an answer must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.chat import ports
from core.chat.media import Upload
from core.gateway.tickets import Ticket
from core.wire.multipart import form
from tests.conformance.schema import check
from tests.faults.stage import Stage
from tests.support.caller import Said, request
from tests.support.gateway import KEY

MODEL = "a/m"
JOB = "{job}"


class Operation(NamedTuple):
    """`api` is the file that it stands in, `schema` what OpenAI calls the answer; sound and films have none.

    `costly`: it is never done twice, whatever becomes of it. `body` is None where a job is asked about.
    """

    api: str
    port: type
    path: str
    body: Mapping[str, Any] | None
    schema: str = ""
    costly: bool = False

    @property
    def streams(self) -> bool:
        """Whether its answer goes out as it comes in."""
        return not self.schema

    def request(self, url: str, job: str, *, model: str = MODEL, headers: Mapping[str, str] | None = None) -> bytes:
        """The bytes of a request for this, about `job` where it is about one."""
        path, fields = self.path.replace(JOB, job), dict(headers or {})
        if self.body is None:
            return request(url, b"", path=path, method="GET", headers=fields)
        body: Any = {"model": model, **self.body}
        if any(isinstance(value, Upload) for value in body.values()):
            encoded = form(body.items())
            fields, body = {"Content-Type": encoded.content_type, **fields}, encoded.content
        return request(url, body, path=path, headers=fields)

    def check(self, said: Said, made: bytes) -> None:
        """Fails where `said` is no good answer. `made` is what the upstream made, if it is passed on as it is."""
        assert (said.status, said.is_complete) == (200, True), said.raw
        if self.streams:
            assert said.content == made
            assert said.headers["x-content-type-options"] == "nosniff"
        else:
            check(said.json, self.schema)


OPERATIONS: Mapping[str, Operation] = {
    "embeddings": Operation(
        "embeddings", ports.EmbeddingProvider, "/v1/embeddings", {"input": "a"}, "CreateEmbeddingResponse"
    ),
    "images": Operation(
        "images", ports.ImageProvider, "/v1/images/generations", {"prompt": "a cat"}, "ImagesResponse", costly=True
    ),
    "speech": Operation("speech", ports.SpeechProvider, "/v1/audio/speech", {"input": "Hello", "voice": "alloy"}),
    "transcription": Operation(
        "transcriptions",
        ports.TranscriptionProvider,
        "/v1/audio/transcriptions",
        {"file": Upload("a.wav", "audio/wav", b"RIFF")},
        "CreateTranscriptionResponseJson",
    ),
    "film begun": Operation(
        "videos", ports.VideoProvider, "/v1/videos", {"prompt": "a cat"}, "VideoResource", costly=True
    ),
    "film looked after": Operation("videos", ports.VideoProvider, f"/v1/videos/{JOB}", None, "VideoResource"),
    "film fetched": Operation("videos", ports.VideoProvider, f"/v1/videos/{JOB}/content", None),
}
BEGUN = OPERATIONS["film begun"]


async def job_of(here: Stage, operation: Operation) -> str:
    """The id of a film that was begun, where `operation` is about one. No connection is left over from that."""
    if operation.body is not None:
        return ""
    said = await here.send(BEGUN.request(here.url, ""))
    here.served.thread.run(here.gateway.aclose())
    job: str = said.json["id"]
    return job


async def done(here: Stage, job: str) -> None:
    """Returns when the film is there."""
    status = ""
    while status != "completed":
        said = await here.send(OPERATIONS["film looked after"].request(here.url, job))
        assert said.status == 200, said.raw
        status = said.json["status"]


def sealed(here: Stage) -> str:
    """The id of a job that a provider of another kind may have begun under the name of this one."""
    here.served.thread.run(here.gateway.authorize(KEY))  # a job's id is signed with the caller's key
    about = {"model": MODEL, "created_at": 1, "seconds": "4", "size": "720x1280"}
    return "video_" + here.gateway.seal(Ticket("a", "a-1", "m", "film-1", about))
