"""A provider's table as a whole: preset and overrides, transform, list of models."""

from __future__ import annotations

from typing import Any

import pytest

from core.chat.errors import ConfigError, UpstreamBadResponse
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, ModelInfo, Token
from core.chat.requests import ChatRequest, Message
from core.dialects.declared.decoder import Decoder
from core.dialects.declared.description import Description, read_description
from core.dialects.declared.http_template import HttpRequest
from core.dialects.declared.request import Filling
from core.dialects.inline import SplitInlineReasoning, SplitThinkTags, StripPrefixUntil, Transform, TransformedDecoder
from tests.dialects.declared.replaying import described

URL = "https://upstream.example/chat"


def read(**table: Any) -> Description:
    options = Options("providers.x", table)
    description = read_description(options)
    options.done()
    return description


def filled(description: Description) -> HttpRequest:
    asked = ChatRequest("m", (Message("user", "Hi"),))
    return description.request.chat.fill(Filling(description.request, asked, Token("t", "s")).value)


def test_without_a_preset_all_is_said_in_the_table() -> None:
    description = read(url=URL, request={"body": {"q": "{last}"}}, response={"text": "t"})
    assert filled(description) == HttpRequest("POST", URL, {}, {"q": "Hi"})
    assert description.response.text == described(text="t").text


def test_what_the_table_says_stands_in_place_of_the_presets() -> None:
    description = read(
        preset="dify-sse",
        url=URL,
        request={"headers": {"X-App": "a"}, "variables": {"user": "me"}},
        response={"text": "other"},
    )
    assert filled(description).headers == {"Authorization": "Bearer s", "X-App": "a"}
    assert filled(description).body["user"] == "me"
    assert description.response.text == described(text="other").text
    assert description.response.replace == read(preset="dify-sse").response.replace


def test_a_body_replaces_the_presets_body_as_a_whole() -> None:
    assert filled(read(preset="dify-sse", request={"body": {"q": "{last}"}})).body == {"q": "Hi"}


def test_a_presets_address_can_be_another() -> None:
    assert filled(read(preset="ollama-ndjson")).url == "http://localhost:11434/api/chat"
    assert filled(read(preset="ollama-ndjson", url=URL)).url == URL
    assert filled(read(preset="ollama-ndjson", request={"url": URL})).url == URL


@pytest.mark.parametrize(
    ("transform", "same"),
    [
        ("split_think_tags", SplitThinkTags()),
        ({"name": "split_think_tags", "tag": "thought", "inside": True}, SplitThinkTags("thought", inside=True)),
        ("split_inline_reasoning", SplitInlineReasoning()),
        ({"name": "strip_prefix_until", "marker": "M", "within": 3}, StripPrefixUntil("M", 3)),
        ({"name": "strip_prefix_until", "marker": "M"}, StripPrefixUntil("M", 150)),
    ],
)
def test_transforms(transform: Any, same: Transform) -> None:
    made = read(preset="plain-text", url=URL, transform=transform).transform
    assert made
    assert (type(made()), vars(made())) == (type(same), vars(same))


def test_a_decoder_has_the_transform_around_it() -> None:
    plain, split = read(preset="plain-text", url=URL), read(preset="plain-text", url=URL, transform="split_think_tags")
    assert isinstance(plain.new_decoder(plain.response), Decoder)
    assert isinstance(split.new_decoder(split.response), TransformedDecoder)


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        ({"preset": "nope", "url": URL}, "preset", "there is no preset 'nope'; there are aisdk-v4,"),
        ({"preset": "plain-text"}, "url", "is missing: the whole address"),
        ({"preset": "plain-text", "url": "x"}, "url", "must begin with http"),
        ({"preset": "plain-text", "request": {"url": "x"}}, "request.url", "must begin with http"),
        ({"preset": "plain-text", "url": URL, "transform": "rot13"}, "transform", "must be one of split_think_tags,"),
        (
            {"preset": "plain-text", "url": URL, "transform": {"name": "strip_prefix_until"}},
            "transform.marker",
            "is missing",
        ),
        (
            {"preset": "plain-text", "url": URL, "transform": {"name": "split_think_tags", "x": 1}},
            "transform.x",
            "is not a",
        ),
        (
            {"preset": "plain-text", "url": URL, "transform": ["split_think_tags", "x"]},
            "transform",
            "must be one, not a",
        ),
        ({"preset": "plain-text", "url": URL, "response": {"text": "["}}, "response.text", "no part of a path"),
        ({"preset": "plain-text", "url": URL, "models_request": {"url": URL}}, "models_request.list", "is missing"),
        ({"url": URL}, "request.body", "carries nothing of the conversation"),
    ],
)
def test_a_mistake_is_named_with_its_path(table: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**table)
    assert caught.value.path == f"providers.x.{path}"
    assert said in caught.value.message


MODELS = {"url": "https://upstream.example/models", "list": "data.*[active!=false]", "id": "slug | id"}


def test_models_are_read_by_paths() -> None:
    models = read(preset="plain-text", url=URL, models_request=MODELS).models
    assert models
    assert models.template.fill({}.get) == HttpRequest("GET", MODELS["url"], {}, None)
    listed = {"data": [{"id": "a"}, {"slug": "b", "id": "x"}, {"id": "c", "active": False}, {"id": 5}, {"id": "a"}]}
    assert models.models(listed) == [ModelInfo("a"), ModelInfo("b")]
    assert models.models({"data": []}) == []
    with pytest.raises(UpstreamBadResponse, match="holds no ids"):
        models.models({"data": [{"name": "a"}]})


def test_the_token_of_nobody_is_no_token() -> None:
    description = read(preset="plain-text", url=URL)
    asked = ChatRequest("m", (Message("user", "Hi"),))
    assert description.request.chat.fill(Filling(description.request, asked, NO_TOKEN).value).headers == {}
