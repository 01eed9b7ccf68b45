"""What a request needs of a provider, and which routes have it: a refusal names the parameter, and costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from core.chat.errors import InvalidRequest
from core.chat.requests import ChatRequest, Image, OtherPart
from core.emulation import Emulation, needed
from core.gateway.catalogue import Route


def able_to_chat(routes: Sequence[Route], request: ChatRequest) -> list[Route]:
    """The routes that can carry the request. Raises `InvalidRequest` naming what the first of them cannot."""
    able = [route for route in routes if _lacking(route, request) is None]
    if not able:
        problem = _lacking(routes[0], request)
        assert problem is not None  # noqa: S101  # none is able
        raise problem
    return able


def emulation(route: Route, request: ChatRequest) -> Emulation:
    """What we see to on this route ourselves. Raises `InvalidRequest` for what is wrong with the wish."""
    upstream, names = route.upstream, (request.model, route.model)
    return needed(
        upstream.provider.capabilities,
        request,
        tools=upstream.emulates_tools(*names),
        thought_in_text=upstream.shows_thought(*names),
        split_thought=upstream.splits_thought(*names),
    )


def having(port: type, routes: Sequence[Route], model: str) -> list[Route]:
    """The routes whose provider has `port`. Raises `InvalidRequest` where none has."""
    able = [route for route in routes if isinstance(route.upstream.provider, port)]
    if not able:
        raise InvalidRequest(
            f"The model `{model}` cannot be asked for this here.", code="unsupported_model", param="model"
        )
    return able


def _lacking(route: Route, request: ChatRequest) -> InvalidRequest | None:
    able = route.upstream.provider.capabilities
    try:
        ours = emulation(route, request)
    except InvalidRequest as problem:
        return problem
    if request.wants_tools and not (able.tools or ours.tools):
        return _unsupported("tools", "tool calls", request)
    if request.parameters.get("logprobs") and not able.logprobs:
        return _unsupported("logprobs", "log probabilities", request)
    modalities = request.parameters.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities and not able.other_parts:
        return _unsupported("modalities", "audio", request)
    for kind, allowed, words in ((Image, able.images, "images"), (OtherPart, able.other_parts, "such content")):
        if not allowed and request.has_part(kind):
            return _unsupported("messages", words, request, code="unsupported_content")
    return None


def _unsupported(param: str, words: str, request: ChatRequest, code: str = "unsupported_parameter") -> InvalidRequest:
    return InvalidRequest(f"The model `{request.model}` takes no {words} here.", code=code, param=param)
