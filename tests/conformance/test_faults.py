"""Upstreams that fail: before they answer, in mid-answer, or by never going on."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import Any

import httpx
import pytest

from core.api.shared import reply
from tests.conformance.gateways import UPSTREAM_KEY, Connected, connected, question
from tests.conformance.kinds import everywhere, with_an_end
from tests.conformance.schema import check
from tests.conformance.sse import chunks, content, events
from tests.support.chat_upstream import ChatUpstream
from tests.support.openai_models import ODDITIES

REFUSALS = {
    "fails-400": (400, "upstream_rejected_request"),
    "fails-context": (400, "context_length_exceeded"),
    "fails-401": (503, "upstream_credentials_unavailable"),
    "fails-402": (503, "upstream_credentials_unavailable"),
    "fails-403": (503, "upstream_credentials_unavailable"),
    "fails-404": (404, "model_not_found"),
    "fails-429": (429, "rate_limited"),
    "fails-500": (502, "upstream_http_500"),
    "fails-503": (503, "upstream_http_503"),
    "fails-html": (502, "upstream_http_502"),
    "html-as-success": (502, "upstream_bad_response"),
    "error-as-success": (429, "rate_limited"),
    "error-first": (502, "upstream_stream_error upstream_http_500"),
    "empty": (502, "upstream_empty"),
    "resets-first": (502, "upstream_truncated upstream_unreachable"),
}
BREAKING = {
    "breaks-error": {"upstream_stream_error", "upstream_http_500"},
    "breaks-end": {"upstream_truncated"},
    "breaks-close": {"upstream_truncated"},
    "breaks-reset": {"upstream_truncated"},
}
BREAKS = ["breaks-error", "breaks-close", "breaks-reset"]


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", REFUSALS)
def test_a_failure_before_the_answer_is_an_honest_status(
    fresh: Connected, upstream: ChatUpstream, model: str, stream: bool
) -> None:
    """Item 142: also for a stream, and without anything that is the upstream's own business."""
    answer = fresh.chat(model, stream=stream)

    assert answer.headers["content-type"] == "application/json"
    check(answer.json(), "ErrorResponse")
    status, codes = REFUSALS[model]
    assert answer.status_code == status
    assert answer.json()["error"]["code"] in codes.split()
    told = answer.text + str(answer.headers)
    assert not any(secret in told for secret in (upstream.url, UPSTREAM_KEY, "<h1>", "10.1.2.3"))


@everywhere
@pytest.mark.parametrize(("model", "wait"), [("fails-429", "17"), ("fails-503", "9")])
def test_retry_after_reaches_the_client(fresh: Connected, model: str, wait: str) -> None:
    """Item 143."""
    assert fresh.chat(model).headers["retry-after"] == wait
    assert fresh.chat(model, stream=True).headers["retry-after"] in {wait, str(int(wait) - 1)}


@everywhere
@pytest.mark.parametrize("model", BREAKS)
def test_a_stream_that_breaks_ends_with_an_error_and_nothing_else(fresh: Connected, model: str) -> None:
    """Item 145."""
    check_break(fresh, model)


@with_an_end
def test_so_ends_a_stream_that_lacks_its_end(fresh: Connected) -> None:
    """Item 145."""
    check_break(fresh, "breaks-end")


def check_break(fresh: Connected, model: str) -> None:
    *heard, last = events(fresh.chat(model, stream=True, stream_options={"include_usage": True}).content)

    assert content(heard) == "half of "
    assert all(choice["finish_reason"] is None for chunk in heard for choice in chunk["choices"])
    assert set(last) == {"error"}
    check(last, "ErrorResponse")
    assert last["error"]["type"] == "upstream_error"
    assert last["error"]["code"] in BREAKING[model]


@everywhere
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("model", BREAKS)
def test_half_an_answer_is_no_answer(fresh: Connected, model: str, n: int) -> None:
    """Item 146."""
    answer = fresh.chat(model, n=n)

    check(answer.json(), "ErrorResponse")
    assert answer.status_code == 502
    assert "half of" not in answer.text


@pytest.mark.parametrize("path", ["/v1/completions", "/"])
def test_the_other_doors_break_no_worse(fresh: Connected, path: str) -> None:
    body = {**question("breaks-end", stream=True), "prompt": "x"}
    *heard, last = events(fresh.http.post(path, json=body).content)

    assert len(heard) >= 2
    assert last["error"]["code"] == "upstream_truncated"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ODDITIES)
def test_an_oddity_is_mended(fresh: Connected, model: str, stream: bool) -> None:
    """Item 150: one end, one [DONE], usage that makes sense, and the text."""
    options = {"stream_options": {"include_usage": True}} if stream else {}
    answer = fresh.chat(model, "Äpfel 🌍", stream=stream, **options)

    if stream:
        found = chunks(answer.content)
        text, ends, usage = content(found), _finishes(found), found[-1]["usage"]
    else:
        check(answer.json(), "CreateChatCompletionResponse")
        (choice,) = answer.json()["choices"]
        text, ends, usage = choice["message"]["content"], [choice["finish_reason"]], answer.json()["usage"]
    assert (text, ends) == ("Äpfel 🌍", ["stop"])
    assert usage["prompt_tokens"] >= 1
    assert usage["completion_tokens"] >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def _finishes(found: list[dict[str, Any]]) -> list[str]:
    reasons = (choice["finish_reason"] for chunk in found for choice in chunk["choices"])
    return [reason for reason in reasons if reason]


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["carriage-returns", "compressed", "damaged"])
def test_no_oddity_of_the_wire_harms_an_answer_of_any_kind(fresh: Connected, model: str, stream: bool) -> None:
    """Item 150."""
    answer = fresh.chat(model, "Äpfel 🌍", stream=stream)

    text = content(chunks(answer.content)) if stream else answer.json()["choices"][0]["message"]["content"]
    assert text == "Äpfel 🌍"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_bytes_that_are_no_utf8_are_replaced(gateway: Connected, stream: bool) -> None:
    """Item 150."""
    answer = gateway.chat("invalid-utf8", "text", stream=stream)

    text = content(chunks(answer.content)) if stream else answer.json()["choices"][0]["message"]["content"]
    assert text == "text\ufffd"


@everywhere
def test_an_event_of_two_megabytes_is_passed_whole(gateway: Connected) -> None:
    """Item 151."""
    expected = "0123456789abcdef" * 131072

    assert content(chunks(gateway.chat("big", stream=True).content)) == expected
    assert gateway.chat("big").json()["choices"][0]["message"]["content"] == expected


@everywhere
def test_an_upstream_that_stalls_is_given_up(upstream: ChatUpstream) -> None:
    """Item 152: the client gets an error event, the upstream's connection is closed."""
    with connected(upstream, "idle_timeout = 0.2", "first_event_timeout = 0.5") as impatient:
        *heard, last = events(impatient.chat("gated", "begun", stream=True).content)
        whole = impatient.chat("gated")
        upstream.wait(lambda up: up.left == ["gated", "gated"])

    assert (content(heard), last["error"]["code"]) == ("begun ", "upstream_timeout")
    assert (whole.status_code, whole.json()["error"]["code"]) == (504, "upstream_timeout")


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_upstream_that_never_begins_is_given_up(upstream: ChatUpstream, stream: bool) -> None:
    """Item 152."""
    check_given_up(upstream, "silent", stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_headers_alone_are_no_beginning(upstream: ChatUpstream, stream: bool) -> None:
    """Item 152."""
    check_given_up(upstream, "headers-only", stream)


def check_given_up(upstream: ChatUpstream, model: str, stream: bool) -> None:
    with connected(upstream, provider="first_event_timeout = 0.2") as impatient:
        answer = impatient.chat(model, stream=stream)
        upstream.wait(lambda up: up.left == [model])

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")


def test_a_stream_that_has_waited_long_begins_with_comments_and_may_still_fail(upstream: ChatUpstream) -> None:
    with connected(upstream, "commit_after = 0.1\nfirst_event_timeout = 0.3") as impatient:
        answer = impatient.chat("silent", stream=True)

    assert answer.status_code == 200
    assert answer.text.startswith(": keep-alive\n\n")
    (last,) = events(answer.content)
    assert last["error"]["code"] == "upstream_timeout"


def test_an_answer_has_a_last_moment(upstream: ChatUpstream) -> None:
    with connected(upstream, "total_timeout = 0.3") as impatient:
        *heard, last = events(impatient.chat("gated", "begun", stream=True).content)

    assert (content(heard), last["error"]["code"]) == ("begun ", "deadline_exceeded")


@everywhere
def test_a_slow_first_byte_is_waited_for(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 153."""
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(gateway.chat("silent", "at last")))
    asking.start()
    upstream.wait(lambda up: up.open == 1)
    assert answers == []
    upstream.open_gate()
    asking.join()

    assert answers[0].json()["choices"][0]["message"]["content"] == "at last"


def test_a_stream_that_waits_is_kept_alive(upstream: ChatUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 153: comments before the first byte and in mid-answer, which no client takes for an event."""
    monkeypatch.setattr(reply, "KEEP_ALIVE", 0.05)
    body = question("headers-only", "at last", stream=True)
    with (
        connected(upstream, "commit_after = 0.05") as eager,
        eager.http.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        lines = answer.iter_lines()
        comments = [next(line for line in lines if line) for _ in range(3)]
        upstream.open_gate()
        rest = "\n".join(lines)

    assert comments == [": keep-alive"] * 3
    assert content(chunks(rest.lstrip("\n") + "\n")) == "at last"


def test_a_dead_upstream_is_a_502(upstream: ChatUpstream) -> None:
    """Item 142."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    dead = f'[providers.dead]\nkind = "openai"\nbase_url = "http://127.0.0.1:{port}"\nmodels = ["m"]'
    with connected(upstream, provider=dead) as gateway:
        answer = gateway.chat("dead/m")

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert str(port) not in answer.text
