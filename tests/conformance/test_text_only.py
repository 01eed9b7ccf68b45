"""Official clients, with tools and JSON, in front of a site that knows nothing but text."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from anthropic import Anthropic, beta_tool
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import BadRequestError, InternalServerError, LengthFinishReasonError, OpenAI
from pydantic import BaseModel, SecretStr

from tests.conformance.gateways import AUTHORIZED, Connected, question
from tests.conformance.node import Node
from tests.conformance.samples import TOOLS
from tests.support.gateway import KEY, gateway, serving
from tests.support.loops import PATIENCE
from tests.support.text_models import MODELS, STEPS, result_of
from tests.support.text_upstream import TextUpstream, text_upstream

OSLO, ABO = {"city": "Oslo", "unit": "c"}, {"city": "Åbo", "unit": "c"}
ADVANCE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "advance",
        "parameters": {
            "type": "object",
            "properties": {"step": {"type": "integer"}, "seen": {"type": "string"}},
            "required": ["step", "seen"],
        },
    },
}


class City(BaseModel):
    name: str
    people: int


class Steps:
    """The tool that an agent calls again and again; it checks that nothing was lost on the way there and back."""

    def __init__(self) -> None:
        self.taken = 0

    def advance(self, step: int, seen: str) -> str:
        assert step == self.taken + 1
        assert seen == (result_of(step - 1) if step > 1 else "")
        self.taken = step
        return result_of(step)


@pytest.fixture(scope="session")
def site() -> Iterator[TextUpstream]:
    with text_upstream(MODELS) as running:
        yield running


@pytest.fixture(scope="session")
def text_gateway(site: TextUpstream) -> Iterator[Connected]:
    models = json.dumps([*MODELS])
    prompts = ", ".join(f'{model} = "{model}"' for model in MODELS)
    toml = f"""
        [providers.gptanon]
        kind = "gptanon"
        base_url = "{site.url}"
        models = {models}
        [providers.flowgpt]
        kind = "flowgpt"
        base_url = "{site.url}"
        tokens = "secret://FLOWGPT"
        device_id = "device"
        prompts = {{ {prompts} }}
        strip_prefix = ""
        models = {models}
        [providers.shown]
        kind = "gptanon"
        base_url = "{site.url}"
        models = {models}
        reasoning_in_content = ["think*"]
        [providers.refusing]
        kind = "gptanon"
        base_url = "{site.url}"
        models = {models}
        emulate_tools = ["other"]
    """
    with (
        serving(gateway(toml, {"FLOWGPT": "token"})) as served,
        httpx.Client(base_url=served.url, headers=AUTHORIZED, timeout=PATIENCE, trust_env=False) as http,
    ):
        yield Connected(served, http)


@pytest.fixture(params=["gptanon", "flowgpt"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each such test runs for both."""
    return str(request.param)


@pytest.fixture
def client(text_gateway: Connected) -> Iterator[OpenAI]:
    with text_gateway.openai() as client:
        yield client


def called(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


# Tools


def test_tools_are_called(client: OpenAI, kind: str) -> None:
    raw = client.chat.completions.with_raw_response.create(**question(f"{kind}/parallel"), tools=TOOLS)
    choice = raw.parse().choices[0]

    assert choice.finish_reason == "tool_calls"
    assert (choice.message.content or "").strip() == "Let me look."
    assert called(choice.message) == [("get_weather", OSLO), ("get_weather", ABO)]
    assert len({call.id for call in choice.message.tool_calls or ()}) == 2
    assert raw.headers["x-any2api-emulated"] == "tools"
    assert "x-any2api-emulated" in raw.headers["access-control-expose-headers"]


def test_the_stream_helper_accumulates_the_calls(client: OpenAI, kind: str) -> None:
    with client.chat.completions.stream(**question(f"{kind}/parallel"), tools=TOOLS) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        choice = stream.get_final_completion().choices[0]

    assert [event.index for event in done] == [0, 1]
    assert choice.finish_reason == "tool_calls"
    assert called(choice.message) == [("get_weather", OSLO), ("get_weather", ABO)]


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}], ids=["required", "named"]
)
def test_a_tool_that_must_be_called_is(client: OpenAI, kind: str, choice: Any) -> None:
    """Also by a model that has to be told twice."""
    completion = client.chat.completions.create(**question(f"{kind}/forgetful"), tools=TOOLS, tool_choice=choice)

    assert called(completion.choices[0].message) == [("get_weather", OSLO)]
    assert completion.choices[0].finish_reason == "tool_calls"


def test_a_tool_that_need_not_be_called_is_not(client: OpenAI, site: TextUpstream) -> None:
    raw = client.chat.completions.with_raw_response.create(
        **question("gptanon/forgetful"), tools=TOOLS, tool_choice="none"
    )

    assert raw.parse().choices[0].message.tool_calls is None
    assert "x-any2api-emulated" not in raw.headers
    assert site.prompts[-1].text == "hello"


def test_a_model_that_will_not_call_is_a_failure(client: OpenAI) -> None:
    with pytest.raises(InternalServerError) as caught:
        client.chat.completions.create(**question("gptanon/mulish"), tools=TOOLS, tool_choice="required")
    assert (caught.value.status_code, caught.value.code) == (502, "tool_call_missing")


@pytest.mark.parametrize(
    ("model", "tools", "param"),
    [
        ("refusing/parallel", TOOLS, "tools"),
        ("gptanon/parallel", [*TOOLS, {"type": "web_search"}], "tools[2]"),
    ],
)
def test_what_cannot_be_emulated_is_refused(client: OpenAI, model: str, tools: Any, param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(**question(model), tools=tools)
    assert caught.value.param == param


# Agents


@pytest.mark.parametrize("streamed", [False, True])
def test_an_agent_takes_fifty_steps(client: OpenAI, kind: str, streamed: bool) -> None:
    steps, messages = Steps(), [*question("")["messages"]]
    while True:
        asked: dict[str, Any] = {"model": f"{kind}/agent", "messages": messages, "tools": [ADVANCE]}
        if streamed:
            with client.chat.completions.stream(**asked) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**asked).choices[0].message
        messages.append(message.to_dict())
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            result = steps.advance(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

    assert (steps.taken, message.content) == (STEPS, f"Done after {STEPS} steps.")


def test_openai_node_takes_fifty_steps(text_gateway: Connected, kind: str, node: Node) -> None:
    """By its own loop, `runTools`."""
    assert node.run(text_gateway, "openai", "agent", f"{kind}/agent") == {
        "content": f"Done after {STEPS} steps.",
        "steps": STEPS,
    }


@pytest.mark.parametrize("streamed", [False, True])
def test_langchain_takes_fifty_steps(text_gateway: Connected, kind: str, streamed: bool) -> None:
    steps = Steps()
    advance = tool(steps.advance, description="Advances by a step.")
    model = ChatOpenAI(
        model=f"{kind}/agent",
        base_url=f"{text_gateway.url}/v1",
        api_key=SecretStr(KEY),
        max_retries=0,
        timeout=PATIENCE,
    ).bind_tools([advance])
    messages: list[BaseMessage] = [HumanMessage("Go.")]
    while True:
        answer: Any = functools.reduce(operator.add, model.stream(messages)) if streamed else model.invoke(messages)
        assert isinstance(answer, AIMessage)
        messages.append(answer)
        if not answer.tool_calls:
            break
        messages += [advance.invoke({**call, "type": "tool_call"}) for call in answer.tool_calls]

    assert sum(isinstance(message, ToolMessage) for message in messages) == steps.taken == STEPS
    assert answer.content == f"Done after {STEPS} steps."


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_takes_fifty_steps(text_gateway: Connected, kind: str, streamed: bool) -> None:
    """By its own loop, `tool_runner`."""
    steps = Steps()

    @beta_tool
    def advance(step: int, seen: str) -> str:
        """Advances by a step."""
        return steps.advance(step, seen)

    with Anthropic(base_url=text_gateway.url, api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        runner: Any = client.beta.messages.tool_runner(
            model=f"{kind}/agent",
            max_tokens=4096,
            messages=[{"role": "user", "content": "Go."}],
            tools=[advance],
            stream=streamed,
        )
        final = runner.until_done()

    assert [block.text for block in final.content] == [f"Done after {STEPS} steps."]
    assert (steps.taken, final.stop_reason) == (STEPS, "end_turn")


# JSON


@pytest.mark.parametrize("streamed", [False, True])
def test_parse_gives_an_object(client: OpenAI, kind: str, streamed: bool) -> None:
    """From a model that has to be told what is wrong."""
    asked: dict[str, Any] = {**question(f"{kind}/json"), "response_format": City}
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.parse(**asked).choices[0].message

    assert message.content == '{"name": "Åbo", "people": 200000}'
    assert message.parsed == City(name="Åbo", people=200000)


def test_responses_parse_gives_an_object(client: OpenAI, kind: str) -> None:
    parsed = client.responses.parse(model=f"{kind}/json", input="hello", text_format=City)

    assert parsed.output_parsed == City(name="Åbo", people=200000)


def test_anthropic_parse_gives_an_object(text_gateway: Connected) -> None:
    with Anthropic(base_url=text_gateway.url, api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        parsed = client.messages.parse(
            model="gptanon/json",
            max_tokens=500,
            messages=[{"role": "user", "content": "hello"}],
            output_format=City,
        )

    assert parsed.parsed_output == City(name="Åbo", people=200000)


def test_a_model_without_json_is_a_failure(client: OpenAI) -> None:
    with pytest.raises(InternalServerError) as caught:
        client.chat.completions.parse(**question("gptanon/mulish"), response_format=City)
    assert (caught.value.status_code, caught.value.code) == (502, "response_format_unmet")


def test_json_that_is_too_long_is_cut_and_says_so(client: OpenAI) -> None:
    with pytest.raises(LengthFinishReasonError):
        client.chat.completions.parse(**question("gptanon/json"), response_format=City, max_tokens=4)


# Ends, and thinking


def test_an_answer_ends_where_it_is_told_to(text_gateway: Connected) -> None:
    said = text_gateway.chat("gptanon/story", stop=["END"], max_tokens=500, response_format={"type": "text"})

    choice = said.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Once upon a time. ", "stop")
    assert said.headers["x-any2api-emulated"] == "stop, max_tokens"
    assert "x-ignored-params" not in said.headers


def test_an_answer_is_as_long_as_it_may_be(text_gateway: Connected) -> None:
    said = text_gateway.chat("flowgpt/story", max_completion_tokens=2)

    [choice], usage = said.json()["choices"], said.json()["usage"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Once upo", "length")
    assert usage["completion_tokens"] == 2
    assert said.headers["x-usage-estimated"] == "true"


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_is_told_at_which_sequence(text_gateway: Connected, streamed: bool) -> None:
    with Anthropic(base_url=text_gateway.url, api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        asked: Any = {
            "model": "gptanon/story",
            "max_tokens": 500,
            "messages": [{"role": "user", "content": "x"}],
            "stop_sequences": ["END", "time."],
        }
        if streamed:
            with client.messages.stream(**asked) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**asked)

    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "time.")
    assert [block.text for block in message.content if block.type == "text"] == ["Once upon a "]


def test_thinking_in_the_text_is_found(text_gateway: Connected, kind: str) -> None:
    message = text_gateway.chat(f"{kind}/thinking").json()["choices"][0]["message"]

    assert (message["reasoning_content"], message["content"]) == ("hm", "Hello")


def test_thinking_is_put_into_the_text_where_that_is_wished(text_gateway: Connected) -> None:
    message = text_gateway.chat("shown/thinking").json()["choices"][0]["message"]

    assert message["content"] == "<think>\nhm\n</think>\n\nHello"
    assert "reasoning_content" not in message
