"""The older text completions."""

from __future__ import annotations

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.kinds import everywhere
from tests.conformance.schema import check
from tests.conformance.sse import events
from tests.support.chat_upstream import ChatUpstream


@everywhere
def test_a_completion_is_one_by_schema(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 115. A chat model answers it."""
    answer = gateway.http.post("/v1/completions", json={"model": "echo", "prompt": "one two", "max_tokens": 1})

    completion = answer.json()
    check(completion, "CreateCompletionResponse")
    assert completion["object"] == "text_completion"
    assert completion["choices"] == [{"index": 0, "text": "one ", "logprobs": None, "finish_reason": "length"}]
    usage = completion["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] >= 2
    assert upstream.turns[0].conversation == [("user", "one two")]


@everywhere
@pytest.mark.parametrize("n", [1, 2])
def test_each_prompt_has_its_choices_in_order(gateway: Connected, n: int) -> None:
    """Item 116."""
    prompts = ["first", "second", "third"]
    choices = gateway.http.post("/v1/completions", json={"model": "echo", "prompt": prompts, "n": n}).json()["choices"]

    assert [choice["index"] for choice in choices] == list(range(3 * n))
    assert [choice["text"] for choice in choices] == [prompt for prompt in prompts for _ in range(n)]


@everywhere
def test_a_streamed_completion_is_made_of_completions(gateway: Connected) -> None:
    """Item 117."""
    body = {"model": "echo", "prompt": "one two", "stream": True, "stream_options": {"include_usage": True}}
    *chunks, usage, done = events(gateway.http.post("/v1/completions", json=body).content)

    check(usage, "CreateCompletionResponse")
    check({**chunks[-1], "usage": usage["usage"]}, "CreateCompletionResponse")
    assert len({(chunk["id"], chunk["object"], chunk["model"]) for chunk in [*chunks, usage]}) == 1
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "one two"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert (usage["choices"], usage["usage"]["total_tokens"] >= 2, done) == ([], True, "[DONE]")


@everywhere
def test_the_official_client_reads_it_streamed_and_whole(gateway: Connected) -> None:
    with gateway.openai() as client:
        whole = client.completions.create(model="echo", prompt=["one", "two"])
        stream = list(client.completions.create(model="echo", prompt="one two", stream=True))

    assert [choice.text for choice in whole.choices] == ["one", "two"]
    assert "".join(chunk.choices[0].text for chunk in stream) == "one two"


def test_what_a_chat_model_cannot_do_is_named(gateway: Connected) -> None:
    body = {"model": "echo", "prompt": "x", "echo": True, "best_of": 1, "suffix": "y", "logprobs": 3}
    answer = gateway.http.post("/v1/completions", json=body)

    assert answer.headers["x-ignored-params"] == "suffix, echo, best_of, logprobs"
