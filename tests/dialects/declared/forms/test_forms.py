"""One conversation with tools and a picture, in every form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat.errors import InvalidRequest
from core.chat.requests import BuiltinTool, FunctionTool, Image, Message, NamedTool, Text, ToolCall, ToolChoice
from core.dialects.declared.forms.form import json_object
from core.dialects.declared.forms.registry import FORMS

PNG = "data:image/png;base64,iVBOR"
SYSTEM = Message("system", "Be brief.")
LOOK = Message("user", (Text("Look"), Image(PNG)))
CALL = Message("assistant", None, tool_calls=(ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "g", "")))
RESULTS = (Message("tool", '{"b": 2}', tool_call_id="c1"), Message("tool", "plain", tool_call_id="c2"))
BYE = Message("assistant", "Bye")
TURNS = (LOOK, CALL, *RESULTS, BYE)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = (FunctionTool("f", "does f", SCHEMA, strict=True), FunctionTool("g"), BuiltinTool({"type": "web_search"}))
DECLARED = {"name": "f", "description": "does f", "parameters": SCHEMA, "strict": True}


def encoded(form: str, *turns: Message) -> list[Any]:
    messages: list[Any] = FORMS[form].messages(turns)
    json.dumps(messages)
    return messages


@pytest.mark.parametrize("form", FORMS)
def test_a_lone_text_is_said_as_plainly_as_the_form_allows(form: str) -> None:
    (message,) = encoded(form, Message("user", "Hi"))
    expected: dict[str, Any] = {
        "gemini": {"role": "user", "parts": [{"text": "Hi"}]},
        "aisdk-v5": {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]},
        "coze": {"role": "user", "content": "Hi", "content_type": "text"},
    }
    assert message == expected.get(form, {"role": "user", "content": "Hi"})


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.system])
def test_forms_with_a_system_role_keep_it(form: str) -> None:
    assert encoded(form, SYSTEM)[0]["role"] == "system"


def test_openai() -> None:
    look, call, first, *_ = encoded("openai", *TURNS)
    assert look["content"][1] == {"type": "image_url", "image_url": {"url": PNG}}
    assert call["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert first == {"role": "tool", "content": '{"b": 2}', "tool_call_id": "c1"}


def test_responses() -> None:
    assert encoded("openai-responses", SYSTEM, *TURNS) == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": PNG, "detail": "auto"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": '{"b": 2}'},
        {"type": "function_call_output", "call_id": "c2", "output": "plain"},
        {"role": "assistant", "content": "Bye"},
    ]
    assert encoded("openai-responses", Message("assistant", (Text("Bye"),)))[0]["content"] == [
        {"type": "output_text", "text": "Bye"}
    ]


def test_anthropic() -> None:
    assert encoded("anthropic", *TURNS) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": '{"b": 2}'}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c2", "content": "plain"}]},
        {"role": "assistant", "content": "Bye"},
    ]
    (picture,) = encoded("anthropic", Message("user", (Image("https://x.example/a.png"),)))
    assert picture["content"] == [{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]
    (said,) = encoded("anthropic", Message("assistant", "On it.", tool_calls=(ToolCall("c1", "f", "{}"),)))
    assert [block["type"] for block in said["content"]] == ["text", "tool_use"]


def test_gemini() -> None:
    assert encoded("gemini", *TURNS) == [
        {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}, {"functionCall": {"name": "g", "args": {}}}],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"b": 2}}},
                {"functionResponse": {"name": "g", "response": {"result": "plain"}}},
            ],
        },
        {"role": "model", "parts": [{"text": "Bye"}]},
    ]
    uploaded = "https://generativelanguage.googleapis.com/v1beta/files/a1"
    (picture,) = encoded("gemini", Message("user", (Image(uploaded),)))
    assert picture["parts"] == [{"fileData": {"fileUri": uploaded}}]


def test_ollama() -> None:
    look, call, *_ = encoded("ollama", *TURNS)
    assert look == {"role": "user", "content": "Look", "images": ["iVBOR"]}
    assert call["tool_calls"][0] == {"function": {"name": "f", "arguments": {"a": 1}}}
    with pytest.raises(InvalidRequest, match="only as data URLs"):
        encoded("ollama", Message("user", (Image("https://x.example/a.png"),)))


def test_ui_messages() -> None:
    look, call, first, *_, bye = encoded("aisdk-v5", *TURNS)
    assert look["parts"][1] == {"type": "file", "mediaType": "image/png", "url": PNG}
    assert (call["id"], call["role"]) == ("a2", "assistant")
    assert '[tool call: f (c1)]\n{"a": 1}' in call["parts"][0]["text"]
    assert first == {"id": "u3", "role": "user", "parts": [{"type": "text", "text": '[tool result (c1)]\n{"b": 2}'}]}
    assert bye == {"id": "a5", "role": "assistant", "parts": [{"type": "text", "text": "Bye"}]}


def test_coze() -> None:
    look, _, first, _, bye = encoded("coze", *TURNS)
    assert look["content_type"] == "object_string"
    assert json.loads(look["content"]) == [{"type": "text", "text": "Look"}, {"type": "image", "file_url": PNG}]
    assert first == {"role": "user", "content": '[tool result (c1)]\n{"b": 2}', "content_type": "text"}
    assert bye == {"role": "assistant", "content": "Bye", "content_type": "text", "type": "answer"}


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("openai", {"type": "function", "function": DECLARED}),
        ("ollama", {"type": "function", "function": DECLARED}),
        ("openai-responses", {"type": "function", **DECLARED}),
        ("anthropic", {"name": "f", "description": "does f", "input_schema": SCHEMA}),
    ],
)
def test_tools(form: str, first: dict[str, Any]) -> None:
    encode = FORMS[form].tools
    assert encode
    tools = encode(TOOLS)
    assert tools[0] == first
    assert tools[2] == {"type": "web_search"}


def test_gemini_tools() -> None:
    encode = FORMS["gemini"].tools
    assert encode
    declared, built_in = encode(TOOLS)
    assert [tool["name"] for tool in declared["functionDeclarations"]] == ["f", "g"]
    assert built_in == {"type": "web_search"}
    assert encode(TOOLS[2:]) == [built_in]


@pytest.mark.parametrize(
    ("form", "choice", "expected"),
    [
        ("openai", "required", "required"),
        ("openai", NamedTool("f"), {"type": "function", "function": {"name": "f"}}),
        ("openai-responses", "auto", "auto"),
        ("openai-responses", NamedTool("f"), {"type": "function", "name": "f"}),
        ("anthropic", "required", {"type": "any"}),
        ("anthropic", "none", {"type": "none"}),
        ("anthropic", NamedTool("f"), {"type": "tool", "name": "f"}),
        ("gemini", "required", {"functionCallingConfig": {"mode": "ANY"}}),
        ("gemini", NamedTool("f"), {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}),
    ],
)
def test_tool_choice(form: str, choice: ToolChoice, expected: Any) -> None:
    encode = FORMS[form].tool_choice
    assert encode
    assert encode(choice) == expected


@pytest.mark.parametrize(
    ("url", "forms"),
    [
        ("https://x.example/a.png", {"gemini", "ollama"}),
        ("https://generativelanguage.googleapis.com/v1beta/files/a1", {"ollama"}),
        ("https://generativelanguage.googleapis.com.x.example/a.png", {"gemini", "ollama"}),
        (PNG, set()),
    ],
)
def test_who_must_be_sent_the_picture_itself(url: str, forms: set[str]) -> None:
    assert {name for name, form in FORMS.items() if form.must_hold(url)} == forms


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": 1}', {"a": 1}), ("", {}), ("[1]", {"result": [1]}), ("no", {"result": "no"})]
)
def test_arguments_are_an_object_whatever_they_were(text: str, value: Any) -> None:
    assert json_object(text) == value
