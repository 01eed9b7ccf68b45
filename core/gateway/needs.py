"""What a request needs of a provider, and which routes have it: a refusal names the parameter, and costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from core.chat.errors import InvalidRequest
from core.chat.ports import Capabilities
from core.chat.requests import ChatRequest, Image, OtherPart
from core.gateway.catalogue import Route


def able_to_chat(routes: Sequence[Route], request: ChatRequest) -> list[Route]:
    """The routes that can carry the request. Raises `InvalidRequest` naming what the first of them cannot."""
    able = [route for route in routes if _lacking(route.upstream.provider.capabilities, request) is None]
    if not able:
        problem = _lacking(routes[0].upstream.provider.capabilities, request)
        assert problem is not None  # noqa: S101  # none is able
        raise problem
    return able


def having(port: type, routes: Sequence[Route], model: str) -> list[Route]:
    """The routes whose provider has `port`. Raises `InvalidRequest` where none has."""
    able = [route for route in routes if isinstance(route.upstream.provider, port)]
    if not able:
        raise InvalidRequest(
            f"The model `{model}` cannot be asked for this here.", code="unsupported_model", param="model"
        )
    return able


def _lacking(able: Capabilities, request: ChatRequest) -> InvalidRequest | None:
    if request.wants_tools and not able.tools:
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
