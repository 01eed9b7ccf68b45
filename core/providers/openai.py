"""Any service that speaks OpenAI's chat.completions: OpenAI itself, DeepSeek, OpenRouter, Ollama, vLLM, …

Unknown parameters pass through. Where such a service refuses a parameter it does not know, the lesson is learned
once for each model: the parameter is left out, or said another way, from then on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from core.chat.errors import UpstreamError
from core.chat.events import Batch, Notice
from core.chat.options import Options
from core.chat.ports import Capabilities, ModelInfo, Token
from core.chat.requests import ChatRequest, Json
from core.dialects.openai import encode
from core.dialects.openai_exchange import exchange, list_models
from core.wire.client import HttpClient

Body = dict[str, Json]


class Provider:
    capabilities = Capabilities(tools=True, images=True, other_parts=True, logprobs=True)

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._base_url = (
            options.text("base_url", "https://api.openai.com/v1").rstrip("/").removesuffix("/chat/completions")
        )
        self._headers = options.texts("headers")
        self.first_event_timeout = options.optional_number("first_event_timeout")
        options.done()
        self._http = http
        self._lessons: dict[str, dict[str, Concession]] = {}

    async def stream(self, request: ChatRequest, token: Token) -> AsyncIterator[Batch]:
        lessons = self._lessons.setdefault(request.model, {})
        while True:
            body = encode(request)
            left_out = [name for name, concede in lessons.items() if concede(body)]
            try:
                async for batch in exchange(self._http, f"{self._base_url}/chat/completions", self._auth(token), body):
                    if left_out:
                        batch, left_out = [*map(Notice, left_out), *batch], []  # noqa: PLW2901  # the first batch carries them
                    yield batch
            except UpstreamError as error:
                lesson = _lesson(error, body)
                if lesson is None or lesson[1] is lessons.get(lesson[0]):
                    raise
                lessons[lesson[0]] = lesson[1]
            else:
                return

    async def models(self, token: Token) -> Sequence[ModelInfo]:
        return await list_models(self._http, f"{self._base_url}/models", self._auth(token))

    def _auth(self, token: Token) -> dict[str, str]:
        headers = {name: token.reveal(value) for name, value in self._headers.items()}
        if token.secret:
            headers["Authorization"] = f"Bearer {token.secret}"
        return headers


Concession = Callable[[Body], bool]
"""Changes a body so that a service which refused it may take it; True where that changes the answer."""


def _lesson(error: UpstreamError, body: Body) -> tuple[str, Concession] | None:
    """What a refusal teaches: the name of the refused parameter, and how to do without it."""
    if error.status != 400 or error.code != "upstream_rejected_request":
        return None
    if error.param in _CONCESSIONS and error.param in body:
        return error.param, _concession(error.param, body)
    for name in _CONCESSIONS:
        if name in body and name in error.message:
            return name, _concession(name, body)
    return None


def _concession(name: str, body: Body) -> Concession:
    if name == "response_format" and (body[name] or {}).get("type") == "json_schema":
        return _any_json
    return _CONCESSIONS[name]


def _without(name: str, *, matters: bool) -> Concession:
    def concede(body: Body) -> bool:
        return body.pop(name, None) is not None and matters

    return concede


def _renamed(name: str, other: str) -> Concession:
    def concede(body: Body) -> bool:
        if name in body:
            body[other] = body.pop(name)
        return False

    return concede


def _without_tools(body: Body) -> bool:
    body.pop("tool_choice", None)
    body.pop("parallel_tool_calls", None)
    return body.pop("tools", None) is not None


def _any_json(body: Body) -> bool:
    """A schema becomes an instruction, and the service is held to JSON alone."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return False
    _instruct(body, wanted)
    body["response_format"] = {"type": "json_object"}
    return True


def _instructed_json(body: Body) -> bool:
    wanted = body.pop("response_format", None)
    if wanted is None or wanted.get("type") == "text":
        return False
    _instruct(body, wanted)
    return True


def _instruct(body: Body, wanted: Mapping[str, Json]) -> None:
    schema = (wanted.get("json_schema") or {}).get("schema")
    text = "Answer with one JSON object and nothing else." + (
        f" It must match this JSON schema: {schema}" if schema else ""
    )
    body["messages"] = [{"role": "system", "content": text}, *body["messages"]]


_CONCESSIONS: Mapping[str, Concession] = {
    "stream_options": _without("stream_options", matters=False),
    "parallel_tool_calls": _without("parallel_tool_calls", matters=True),
    "tool_choice": _without("tool_choice", matters=True),
    "tools": _without_tools,
    "response_format": _instructed_json,
    "reasoning_effort": _without("reasoning_effort", matters=True),
    "max_completion_tokens": _renamed("max_completion_tokens", "max_tokens"),
    "max_tokens": _renamed("max_tokens", "max_completion_tokens"),
}
