"""docs/declared.md: its worked example works, its other examples are in order, and it knows every knob."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from core.chat.completion import collect
from core.chat.errors import Blame, ConfigError, UpstreamError
from core.chat.events import Usage
from core.chat.options import Options
from core.chat.ports import Token
from core.chat.requests import ChatRequest, Message
from core.chat.settings import ProviderSettings, read_settings
from core.dialects.declared import presets
from core.dialects.declared.conversation import HISTORIES, SYSTEMS
from core.dialects.declared.forms.registry import FORMS
from core.dialects.declared.framings import FRAMINGS
from core.dialects.declared.payloads import DECODES
from core.dialects.declared.request import OUTSIDE, PLACEHOLDERS
from core.dialects.declared.request_reading import IMAGES, METHODS
from core.providers.declared import Provider
from core.wire.client import HttpClient
from tests.support.upstream import Script, Seen, Wire, upstream

PAGE = (Path(__file__).parent.parent.parent / "docs" / "declared.md").read_text("utf-8")
TOMLS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE = next(block for block in TOMLS if "[providers.sky]" in block)
REQUESTS = [block.split("\n\n", 1) for block in re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL)]
STEP_ANSWER, STREAM = re.findall(r"```(?:json|text)\n(.*?)```", PAGE, re.DOTALL)
ASKED = ChatRequest("large", (Message("user", "Why is the sky blue?"),), parameters={"temperature": 0.2})


def provider_settings(toml: str) -> ProviderSettings:
    (settings,) = read_settings(tomllib.loads(toml)).providers.values()
    return settings


def answering(stream: str) -> Script:
    async def script(seen: Seen, wire: Wire) -> None:
        if seen.path == "/api/conversations":
            await wire.reply(200, STEP_ANSWER)
        else:
            await wire.reply(200, stream, content_type="text/event-stream")

    return script


async def test_the_worked_example_sends_what_it_shows_and_reads_what_it_shows() -> None:
    http = HttpClient()
    async with upstream(answering(STREAM)) as service:
        settings = provider_settings(EXAMPLE.replace("https://sky.example.com", service.url))
        provider = Provider(Options("providers.sky", settings.table), http)
        answer = await collect(provider.stream(ASKED, Token("t", "s3cret")))
        await http.aclose()
    for seen, (head, body) in zip(service.seen, REQUESTS, strict=True):
        line, *headers = head.splitlines()
        assert f"{seen.method} {seen.path} HTTP/1.1" == line
        assert seen.json == json.loads(body)
        assert seen.headers["authorization"] == "Bearer s3cret"
        for name, _, value in (header.partition(": ") for header in headers):
            assert seen.headers[name.lower()] == value
    assert (answer.text, answer.reasoning) == ("Because of scattering.", "Rayleigh")
    assert answer.finish
    assert (answer.finish.reason, answer.finish.raw, answer.finish.usage) == ("stop", "FINISHED", Usage(6, 9))


@pytest.mark.parametrize(
    ("stream", "status", "blame"),
    [
        ('event: problem\ndata: {"reason":"Please come back tomorrow."}\n\n', 429, Blame.QUOTA),
        ('event: problem\ndata: {"reason":"Out of ideas."}\n\n', 502, Blame.NOTHING),
        ('event: delta\ndata: {"text":"Because "}\n\n', 502, Blame.NOTHING),
    ],
)
async def test_the_worked_example_fails_as_it_says(stream: str, status: int, blame: Blame) -> None:
    http = HttpClient()
    async with upstream(answering(stream)) as service:
        settings = provider_settings(EXAMPLE.replace("https://sky.example.com", service.url))
        provider = Provider(Options("providers.sky", settings.table), http)
        with pytest.raises(UpstreamError) as caught:
            await collect(provider.stream(ASKED, Token("t", "s3cret")))
        await http.aclose()
    assert (caught.value.status, caught.value.blame) == (status, blame)


@pytest.mark.parametrize("toml", TOMLS)
def test_every_example_is_in_order(toml: str) -> None:
    settings = provider_settings(toml)
    assert settings.kind == "declared"
    provider = Provider(Options(f"providers.{settings.name}", settings.table), HttpClient())
    assert not provider.capabilities.other_parts


def section(heading: str) -> str:
    """The text under a heading, up to the next of its level or higher."""
    level = len(heading) - len(heading.lstrip("#"))
    begin = PAGE.index(f"\n{heading}\n")
    end = re.compile(rf"\n#{{2,{level}}} ").search(PAGE, begin + len(heading) + 2)
    return PAGE[begin : end.start() if end else None]


def settings_of(table: dict[str, Any], *path: str) -> set[str]:
    """All settings that the table at `path` knows, as its refusal of an unknown one lists them."""
    inner: Any = table
    for key in path:
        inner = inner[key]
    inner["nonsense"] = 1
    with pytest.raises(ConfigError) as caught:
        Provider(Options("p", table), HttpClient())
    listed = re.search(r"\(there are: (.*)\)", caught.value.message)
    assert listed, caught.value.message
    return set(listed[1].split(", "))


def whole() -> dict[str, Any]:
    """A table with every sub-table."""
    rule = {"path": "a"}
    return {
        "url": "https://x.example",
        "request": {"body": {"q": "{message}"}, "steps": {"url": "https://x.example"}},
        "response": {
            **{key: dict(rule) for key in ("text", "images", "tool_calls", "finish", "error_map")},
            "error_map": {"becomes": 500},
            "usage": {},
            "end": {},
            "json_answer": {},
        },
        "transform": {"name": "split_think_tags"},
        "models_request": {"url": "https://x.example", "list": "a", "id": "b"},
    }


@pytest.mark.parametrize(
    ("heading", "path"),
    [
        ("## `[providers.NAME]`", ()),
        ("## `request`", ("request",)),
        ("## `request`", ("request", "steps")),
        ("## `response`", ("response",)),
        ("### What events say", ("response", "text")),
        ("### What events say", ("response", "images")),
        ("### What events say", ("response", "tool_calls")),
        ("### What events say", ("response", "finish")),
        ("### What events say", ("response", "usage")),
        ("### How it ends", ("response", "end")),
        ("### How it ends", ("response", "error_map")),
        ("## Transforms", ("transform",)),
        ("## `models_request`", ("models_request",)),
    ],
)
def test_every_knob_is_in_its_section(heading: str, path: tuple[str, ...]) -> None:
    known, text = settings_of(whole(), *path), section(heading)
    assert {key for key in known if f"`{key}`" not in text and f"`{key} = " not in text} == set()


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("### Reading events", [*FRAMINGS, *DECODES]),
        ("## `request`", [*FORMS, *HISTORIES, *SYSTEMS, *IMAGES, *METHODS]),
        ("### Placeholders", [f"{{{name}}}" for name in [*PLACEHOLDERS, *OUTSIDE]]),
        ("## Transforms", ["split_think_tags", "split_inline_reasoning", "strip_prefix_until", "marker", "within"]),
        ("## Presets", presets.names()),
    ],
)
def test_every_choice_is_in_its_section(heading: str, names: list[str]) -> None:
    text = section(heading)
    assert [name for name in names if f"`{name}`" not in text] == []


def test_presets_with_an_address_of_their_own_are_marked() -> None:
    marked = {
        name
        for row in section("## Presets").splitlines()
        if "| yes" in row
        for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])
    }
    assert marked == {name for name in presets.names() if "url" in presets.load(name)["request"]}
