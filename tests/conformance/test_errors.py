"""What a wrong request is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError

from tests.conformance.gateways import Connected, question
from tests.conformance.kinds import everywhere
from tests.conformance.schema import check
from tests.support.chat_upstream import ChatUpstream

ASSISTANT = {"role": "assistant", "content": "a"}
CALLING = {**ASSISTANT, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
DEEP = json.loads("[" * 80 + "]" * 80)
INVALID: dict[str, dict[str, Any]] = {
    "model": {"model": None},
    "messages": {"messages": None},
    "messages ": {"messages": []},
    "messages  ": {"messages": "hello"},
    "messages[0]": {"messages": ["hello"]},
    "messages[0].role": {"messages": [{"role": "wizard", "content": "x"}]},
    "messages[0].content": {"messages": [{"role": "user"}]},
    "messages[1].content": {"messages": [ASSISTANT, {"role": "user", "content": 7}]},
    "messages[0].content[0].type": {"messages": [{"role": "user", "content": [{}]}]},
    "messages[0].content[0].image_url.url": {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]
    },
    "messages[0].tool_calls[0].function": {"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]},
    "messages[1].tool_call_id": {"messages": [CALLING, {"role": "tool", "content": "x"}]},
    "messages[1].tool_call_id ": {"messages": [CALLING, {"role": "tool", "tool_call_id": "other", "content": "x"}]},
    "messages[0].function_call.name": {"messages": [{**ASSISTANT, "function_call": {"arguments": "{}"}}]},
    "messages[1].name": {"messages": [CALLING, {"role": "function", "name": "other", "content": "x"}]},
    "messages[0].tool_calls[0].custom.input": {
        "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f"}}]}]
    },
    "messages[0].content[0].text": {
        "messages": [{"role": "user", "content": [{"type": "thinking"}, {"type": "text"}]}]
    },
    "messages[0].tool_calls[0].id": {"messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]},
    "messages[0].tool_call_id": {"messages": [{"role": "user", "content": [{"type": "tool_result"}, "x", None]}]},
    "messages.content.source": {"messages": [{"role": "user", "content": [{"type": "image", "source": "x"}]}]},
    "temperature": {"temperature": "hot"},
    "temperature ": {"temperature": 2.5},
    "top_p": {"top_p": -0.1},
    "presence_penalty": {"presence_penalty": 3},
    "frequency_penalty": {"frequency_penalty": True},
    "max_tokens": {"max_tokens": 0},
    "max_completion_tokens": {"max_completion_tokens": 10**400},
    "n": {"n": 0},
    "n ": {"n": 2.0},
    "stream": {"stream": "true"},
    "stream_options": {"stream_options": [], "stream": True},
    "stop": {"stop": 7},
    "stop[1]": {"stop": ["a", 7]},
    "stop ": {"stop": ["x"] * 17},
    "response_format": {"response_format": "json"},
    "tools": {"tools": {}},
    "tools ": {"tools": [{"type": "function", "function": {"name": "f"}}] * 129},
    "tools[0].type": {"tools": [{}]},
    "tools[0].function.name ": {"tools": [{"input_schema": {}}]},
    "tools[0].function": {"tools": [{"type": "function"}]},
    "tools[0].function.name": {"tools": [{"type": "function", "function": {}}]},
    "tools[0].function.parameters": {"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
    "tools[0].name": {"tools": [{"type": "custom", "custom": {}}]},
    "tool_choice": {"tool_choice": "always"},
    "tool_choice.custom.name": {"tool_choice": {"type": "custom", "custom": {}}},
    "tool_choice.tools": {"tool_choice": {"type": "allowed_tools"}},
}
UNREADABLE = {
    "malformed": b'{"model": "echo"',
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "string": b'"echo"',
    "NaN": b'{"temperature": NaN}',
    "infinite": b'{"temperature": -Infinity}',
    "beyond infinity": b'{"seed": 1e999}',
    "endless number": b'{"seed": ' + b"9" * 5000 + b"}",
    "byte order mark": b'\xef\xbb\xbf{"model": "echo"}',
    "UTF-16": '{"model": "echo"}'.encode("utf-16"),
    "control character": b'{"model": "ec\nho"}',
    "two values": b"{} {}",
}


@pytest.mark.parametrize("param", INVALID)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_an_invalid_field_is_named(gateway: Connected, upstream: ChatUpstream, param: str, path: str) -> None:
    """Item 13. Text completions share the parameters, but know neither messages nor tools."""
    if path == "/v1/completions" and param.startswith(("messages", "tool")):
        param, body = "prompt", {"model": "echo", "prompt": 7}
    elif path == "/v1/completions":
        body = {"model": "echo", "prompt": "x", **INVALID[param]}
    else:
        body = {**question("echo"), **INVALID[param]}

    answer = gateway.http.post(path, json=body)

    check(answer.json(), "ErrorResponse")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param.strip())
    assert upstream.asked == []


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_what_is_no_json_object_is_refused(gateway: Connected, path: str, body: bytes) -> None:
    """Item 14."""
    answer = gateway.http.post(path, content=body)

    check(answer.json(), "ErrorResponse")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"model": "echo", "model": "other", "messages": []}', "duplicate_key"),
        (b'{"model": "echo", "messages": [{"role": "user", "role": "system", "content": "x"}]}', "duplicate_key"),
        (b'{"x":' * 65 + b"1" + b"}" * 65, "json_too_deep"),
        (b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "json_too_deep"),
    ],
)
def test_what_parsers_disagree_about_is_refused(gateway: Connected, body: bytes, code: str) -> None:
    answer = gateway.http.post("/v1/chat/completions", content=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (question("x" * 1_000_000), "256"),
        (question("echo", messages=[{"role": "user", "content": "x"}] * 100_000), "2048"),
        (question("echo", tools=[{"type": "function", "function": {"name": "f"}}] * 5_000), "128"),
    ],
)
def test_what_is_too_much_names_its_limit(gateway: Connected, body: Any, limit: str) -> None:
    answer = gateway.http.post("/v1/chat/completions", json=body)

    assert answer.status_code == 400
    assert limit in answer.json()["error"]["message"]


@everywhere
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_an_unknown_model_is_a_plain_404_also_for_a_stream(gateway: Connected, path: str, stream: bool) -> None:
    """Items 15 and 16."""
    answer = gateway.http.post(path, json=question("unheard-of", prompt="x", stream=stream) | {"prompt": "x"})

    assert answer.headers["content-type"] == "application/json"
    check(answer.json(), "ErrorResponse")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", {"POST"}),
        ("HEAD", "/v1/chat/completions", {"POST"}),
        ("DELETE", "/v1/completions", {"POST"}),
        ("POST", "/v1/models", {"GET", "HEAD"}),
        ("PUT", "/v1/models/vendor/echo", {"GET", "HEAD"}),
        ("DELETE", "/", {"GET", "HEAD", "POST"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(gateway: Connected, method: str, path: str, allowed: set[str]) -> None:
    """Item 20."""
    answer = gateway.http.request(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    if method != "HEAD":
        check(answer.json(), "ErrorResponse")


@pytest.mark.parametrize(
    "path", ["/v1/unheard-of", "/v2/models", "/v1", "/docs", "/openapi.json", "/favicon.ico", "/%00"]
)
def test_an_unknown_path_is_a_404_in_the_errors_shape(gateway: Connected, path: str) -> None:
    """Items 21 and 22."""
    answer = gateway.http.get(path)

    check(answer.json(), "ErrorResponse")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_no_error_shows_anything_of_its_making(gateway: Connected) -> None:
    """Item 23."""
    answers = [
        *[gateway.http.post("/v1/chat/completions", content=body) for body in UNREADABLE.values()],
        *[gateway.http.post("/v1/chat/completions", json={**question("echo"), **body}) for body in INVALID.values()],
    ]

    told = "\n".join(answer.text for answer in answers)
    assert not re.search(r"Traceback|\.py\b|Error\(|<class|site-packages| object at 0x|sys\.", told)


def test_every_answer_has_an_id_of_its_own(gateway: Connected) -> None:
    """Item 24, and the name that Anthropic's client reads it under."""
    answers = [
        gateway.chat("echo"),
        gateway.chat("echo", stream=True),
        gateway.chat("unheard-of"),
        gateway.http.get("/v1/models"),
        gateway.http.get("/nowhere"),
        gateway.http.get("/v1/models", headers={"Authorization": "no"}),
        gateway.http.options("/v1/models"),
        gateway.http.put("/v1/models"),
    ]

    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == len(answers)
    assert ids == {answer.headers["request-id"] for answer in answers}


def test_the_official_client_raises_with_param_and_code(gateway: Connected) -> None:
    """Item 25."""
    with gateway.openai() as client:
        with pytest.raises(BadRequestError) as bad:
            client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "x"}], temperature=9)
        with pytest.raises(NotFoundError) as missing:
            client.chat.completions.create(model="unheard-of", messages=[{"role": "user", "content": "x"}])

    assert (bad.value.param, missing.value.code) == ("temperature", "model_not_found")
    assert bad.value.request_id == bad.value.response.headers["x-request-id"]


def test_a_callers_words_cannot_make_headers(gateway: Connected) -> None:
    answer = gateway.chat("x\r\nSet-Cookie: a=b", base_url="http://evil.example", api_key="k")

    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_where_to_call_and_with_which_key_is_not_the_callers_to_say(gateway: Connected, upstream: ChatUpstream) -> None:
    given = {"base_url": "http://evil.example", "api_base": "http://evil.example", "api_key": "k"}

    answer = gateway.chat("echo", **given)

    assert answer.headers["x-ignored-params"] == "base_url, api_base, api_key"
    assert not given.keys() & upstream.bodies[0].keys()
