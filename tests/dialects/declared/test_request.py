"""From a caller's request to the upstream's, by templates."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from core.chat.errors import UnknownModel, UpstreamError
from core.chat.options import Options
from core.chat.ports import NO_TOKEN, Capabilities, Token
from core.chat.requests import ChatRequest, FunctionTool, Image, Message, NamedTool, Text
from core.dialects.declared.http_template import HttpRequest
from core.dialects.declared.request import Filling, Request, outside
from core.dialects.declared.request_reading import read_request

URL = "https://upstream.example/chat"
TOKEN = Token("t", "s3cret", {"KEY": "k3y"})
ASKED = ChatRequest("m", (Message("system", "Be brief."), Message("user", "Hi")), parameters={"temperature": 0})
TOOL = FunctionTool("f")


def read(body: Any = None, **table: Any) -> Request:
    return read_request(Options("request", {"url": URL, "body": body or {"q": "{message}"}, **table}))


def filled(description: Request, request: ChatRequest = ASKED, token: Token = TOKEN) -> HttpRequest:
    return description.chat.fill(Filling(description, request, token).value)


def body_of(template: str, request: ChatRequest = ASKED, **table: Any) -> Any:
    """What a single placeholder comes to in the body; None where it is left out."""
    return filled(read({"q": "{message}", "x": template}, **table), request).body.get("x")


def test_a_request_is_filled() -> None:
    description = read(
        {
            "model": "{model}",
            "messages": "{messages}",
            "temperature": "{parameters.temperature}",
            "top_p": "{parameters.top_p}",
        },
        headers={"Authorization": "Bearer {token}", "X-Key": "secret://KEY", "X-Kind": "chat"},
    )
    assert filled(description) == HttpRequest(
        "POST",
        URL,
        {"Authorization": "Bearer s3cret", "X-Key": "k3y", "X-Kind": "chat"},
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "temperature": 0,
        },
    )


def test_a_header_without_a_value_is_left_out() -> None:
    description = read(headers={"Authorization": "Bearer {token}", "X-Empty": ""})
    assert filled(description, token=NO_TOKEN).headers == {}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{message}", "[system]\nBe brief.\n\n[user]\nHi"),
        ("{last}", "Hi"),
        ("{system}", "Be brief."),
        ("{max_tokens}", None),
        ("{max_tokens | variables.limit}", 64),
        ("{variables.key}", "k3y"),
        ("{token}", "s3cret"),
        ("{images}", None),
        ("{tools}", None),
        ("{tool_choice}", None),
        ("{stop}", None),
    ],
)
def test_placeholders(template: str, value: Any) -> None:
    assert body_of(template, variables={"limit": 64, "key": "secret://KEY"}) == value


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_limit_count(name: str) -> None:
    asked = ChatRequest("m", ASKED.messages, parameters={name: 7})
    assert body_of("{max_tokens}", asked) == 7
    assert read({"q": "{message}", "x": "{max_tokens}"}).notices(asked) == []


@pytest.mark.parametrize("stop", ["a", ["a"]])
def test_stop_is_a_list_or_as_it_came(stop: Any) -> None:
    asked = ChatRequest("m", ASKED.messages, parameters={"stop": stop})
    assert body_of("{stop}", asked) == ["a"]
    assert body_of("{parameters.stop}", asked) == stop


def test_a_uuid_is_new_each_time() -> None:
    first, second = body_of("{uuid}"), body_of("{uuid}")
    assert uuid.UUID(first) != uuid.UUID(second)


def test_a_callers_text_names_no_secret_and_no_placeholder() -> None:
    asked = ChatRequest("secret://KEY", (Message("user", "secret://KEY {token}"),))
    request = filled(read({"m": "{model}", "q": "{message}"}, headers={"X-Model": "{model}"}), asked)
    assert request.body == {"m": "secret://KEY", "q": "secret://KEY {token}"}
    assert request.headers == {"X-Model": "secret://KEY"}


@pytest.mark.parametrize(
    ("model", "path"),
    [("m", "m"), ("org/m-1.5:free", "org/m-1.5:free"), ("a b?c#d%", "a%20b%3Fc%23d%25"), ("世", "%E4%B8%96")],
)
def test_a_model_in_the_address_stays_in_its_place(model: str, path: str) -> None:
    description = read(url="https://upstream.example/{model}:chat?user={variables.user}", variables={"user": "a/b&c"})
    request = filled(description, ChatRequest(model, ASKED.messages))
    assert request.url == f"https://upstream.example/{path}:chat?user=a%2Fb%26c"


@pytest.mark.parametrize("model", ["../admin", "a/../../b", "."])
def test_a_model_leads_nowhere_else(model: str) -> None:
    with pytest.raises(UnknownModel):
        filled(read(url="https://upstream.example/{model}/chat"), ChatRequest(model, ASKED.messages))


def test_a_get_request_has_its_question_in_the_address() -> None:
    description = read_request(Options("request", {"url": "https://upstream.example/?q={last}"}))
    assert filled(description) == HttpRequest("GET", "https://upstream.example/?q=Hi", {}, None)


def test_a_body_of_which_nothing_is_left_is_an_empty_object() -> None:
    description = read({"q": "{parameters.nothing}"}, url="https://upstream.example/?q={last}")
    assert filled(description).body == {}


LOOK = ChatRequest("m", (Message("user", (Text("Look"), Image("https://x.example/a.png"))),))
PART = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}


def test_pictures_travel_as_declared() -> None:
    assert body_of("{messages}", LOOK) == [{"role": "user", "content": "Look"}]
    assert body_of("{messages}", LOOK, images="parts")[0]["content"] == [{"type": "text", "text": "Look"}, PART]
    assert body_of("{messages}", LOOK, images="parts", history="folded")[0]["content"][1] == PART
    description = read({"q": "{message}", "pictures": "{images}"}, images="field")
    assert filled(description, LOOK).body == {"q": "Look", "pictures": ["https://x.example/a.png"]}


def test_a_folded_history_is_one_message() -> None:
    assert body_of("{messages}", history="folded") == [{"role": "user", "content": "[system]\nBe brief.\n\n[user]\nHi"}]


def test_the_system_prompt_in_a_field_is_no_message_too() -> None:
    description = read({"s": "{system}", "m": "{messages}", "q": "{message}"}, system="field")
    assert filled(description).body == {"s": "Be brief.", "m": [{"role": "user", "content": "Hi"}], "q": "Hi"}


def with_tools(choice: Any) -> ChatRequest:
    return ChatRequest("m", ASKED.messages, tools=(TOOL,), tool_choice=choice)


@pytest.mark.parametrize(
    ("choice", "sent", "choice_sent", "noticed"),
    [
        (None, True, None, []),
        ("auto", True, "auto", []),
        ("required", True, "required", ["tool_choice"]),
        ("none", False, "none", []),
        (NamedTool("f"), True, {"type": "function", "function": {"name": "f"}}, ["tool_choice"]),
    ],
)
def test_tools_and_the_choice_among_them(choice: Any, sent: bool, choice_sent: Any, noticed: list[str]) -> None:
    asked = with_tools(choice)
    tools_only = read({"q": "{message}", "tools": "{tools}"})
    assert ("tools" in filled(tools_only, asked).body) is sent
    assert [notice.parameter for notice in tools_only.notices(asked)] == noticed
    both = read({"q": "{message}", "tools": "{tools}", "choice": "{tool_choice}"})
    assert "tools" in filled(both, asked).body
    assert filled(both, asked).body.get("choice") == choice_sent
    assert both.notices(asked) == []


def test_parameters_without_a_place_are_noticed() -> None:
    parameters = {"temperature": 1, "top_p": 1, "seed": 1, "user": "u", "max_completion_tokens": 5, "unheard_of": 1}
    description = read({"q": "{message}", "t": "{parameters.temperature}"}, headers={"X-Seed": "{parameters.seed}"})
    asked = ChatRequest("m", ASKED.messages, parameters=parameters)
    assert [notice.parameter for notice in description.notices(asked)] == [
        "top_p",
        "max_completion_tokens",
        "unheard_of",
    ]


@pytest.mark.parametrize(
    ("table", "capabilities"),
    [
        ({}, Capabilities()),
        ({"body": {"q": "{messages}", "tools": "{tools}"}}, Capabilities(tools=True)),
        ({"body": {"q": "{messages}"}, "images": "parts"}, Capabilities(images=True)),
        ({"body": {"q": "{message}", "i": "{images}"}, "images": "field"}, Capabilities(images=True)),
        ({"body": {"q": "{message}", "stop": "{stop}"}}, Capabilities(stop=True)),
        ({"body": {"q": "{message}", "n": "{max_tokens | variables.most}"}}, Capabilities(token_limit=True)),
        ({"body": {"q": "{message}", "n": "{parameters.max_completion_tokens}"}}, Capabilities(token_limit=True)),
        ({"body": {"q": "{message}", "f": "{parameters.response_format}"}}, Capabilities(response_format=True)),
    ],
)
def test_capabilities_follow_from_the_templates(table: dict[str, Any], capabilities: Capabilities) -> None:
    assert read(**table).capabilities == capabilities


STEP = {"url": "https://upstream.example/new", "body": {"m": "{model}"}, "capture": {"id": "data.id", "n": "n"}}


def test_a_step_captures_values_for_what_follows() -> None:
    description = read({"q": "{last}", "id": "{captured.id}", "n": "{captured.n}"}, steps=[STEP])
    filling = Filling(description, ASKED, TOKEN)
    (step,) = description.steps
    assert step.template.fill(filling.value).body == {"m": "m"}
    filling.captured |= step.captured({"data": {"id": "c-1"}, "n": 0})
    assert description.chat.fill(filling.value).body == {"q": "Hi", "id": "c-1", "n": 0}


def test_a_step_that_brings_nothing_is_an_error() -> None:
    (step,) = read(steps=[STEP]).steps
    with pytest.raises(UpstreamError, match=r"holds no id; its interface has changed") as changed:
        step.captured({"n": 1})
    assert changed.value.code == "upstream_bad_response"
    with pytest.raises(UpstreamError, match="log in first"):
        step.captured({"error": {"message": "log in first"}})


def test_outside_a_conversation_there_are_token_and_secrets() -> None:
    values = outside(TOKEN)
    assert (values("token"), values("secret://KEY")) == ("s3cret", "k3y")
    assert outside(NO_TOKEN)("token") is None
    assert uuid.UUID(values("uuid"))
