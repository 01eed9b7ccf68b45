"""Reads a whole provider from its table: preset, overrides, transform and list of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from core.chat.errors import ConfigError, UpstreamBadResponse
from core.chat.options import Options
from core.chat.ports import ModelInfo
from core.chat.requests import Json
from core.dialects.declared import presets
from core.dialects.declared.decoder import Decoder
from core.dialects.declared.http_template import HttpTemplate
from core.dialects.declared.paths import Path
from core.dialects.declared.request import Request
from core.dialects.declared.request_reading import read_http, read_request
from core.dialects.declared.response import Response
from core.dialects.declared.response_reading import read_response
from core.dialects.declared.tables import address, choice, each, merged, path_of
from core.dialects.inline import SplitInlineReasoning, SplitThinkTags, StripPrefixUntil, Transform, TransformedDecoder
from core.wire.decoding import Decoder as AnyDecoder


@dataclass(frozen=True, slots=True)
class ModelsRequest:
    """How the upstream is asked for its models: `entries` leads to them, `id` begins at each."""

    template: HttpTemplate
    entries: Path
    model_id: Path

    def models(self, answer: Json) -> Sequence[ModelInfo]:
        entries = self.entries.find(answer)
        ids = [model for entry in entries if isinstance(model := self.model_id.first(entry), str)]
        if entries and not ids:
            raise UpstreamBadResponse("The upstream's list of models holds no ids.")
        return [ModelInfo(model) for model in dict.fromkeys(ids)]


@dataclass(frozen=True, slots=True)
class Description:
    """A provider as its table describes it."""

    request: Request
    response: Response
    transform: Callable[[], Transform] | None
    models: ModelsRequest | None

    def new_decoder(self, response: Response) -> AnyDecoder:
        decoder = Decoder(response)
        return TransformedDecoder(decoder, self.transform) if self.transform else decoder


def read_description(options: Options) -> Description:
    """The description in a provider's table. Raises `ConfigError` naming the key that is wrong."""
    preset = _preset(options)
    request = merged(preset["request"], options.mapping("request"))
    if options.raw("url") is not None:
        request["url"] = address(options, "url")
    elif "url" not in request:
        raise options.error("url", "is missing: the whole address that a chat request goes to")
    response = merged(preset["response"], options.mapping("response"))
    return Description(
        request=read_request(Options(f"{options.path}.request", request)),
        response=read_response(Options(f"{options.path}.response", response)),
        transform=_transform(options),
        models=None if options.raw("models_request") is None else _models_request(options.options("models_request")),
    )


def _preset(options: Options) -> Mapping[str, dict[str, Json]]:
    name = options.text("preset", "")
    if not name:
        return {"request": {}, "response": {}}
    try:
        return presets.load(name)
    except ConfigError as error:
        raise options.error("preset", error.message) from None


def _transform(options: Options) -> Callable[[], Transform] | None:
    tables = list(each(options, "transform", bare="name"))
    if not tables:
        return None
    if len(tables) > 1:
        raise options.error("transform", "must be one, not a list")
    transform = _TRANSFORMS[choice(tables[0], "name", _TRANSFORMS, "")](tables[0])
    tables[0].done()
    return transform


_TRANSFORMS: Mapping[str, Callable[[Options], Callable[[], Transform]]] = {
    "split_think_tags": lambda table: partial(
        SplitThinkTags, table.text("tag", "think"), inside=table.flag("inside", False)
    ),
    "split_inline_reasoning": lambda _: SplitInlineReasoning,
    "strip_prefix_until": lambda table: partial(
        StripPrefixUntil, table.text("marker"), int(table.number("within", 150))
    ),
}


def _models_request(options: Options) -> ModelsRequest:
    request = ModelsRequest(read_http(options), path_of(options, "list"), path_of(options, "id"))
    options.done()
    return request
