"""What Puter is sent: field by field as recorded, and as its backend was seen to accept."""

from typing import Any

import pytest

from core.chat.events import Notice
from core.providers.puter import CHAT
from core.providers.puter.driver import body
from core.providers.puter.models import Catalogue, Vendor
from core.providers.puter.request import encode, left_out
from tests.support.puter import caller, caller_of, calling, captures, result
from tests.support.recordings import Recording, recordings

RECORDINGS = {
    name: recording
    for name, recording in recordings("puter").items()
    if "messages" in recording.exchange["openai_request"]
}
CAPTURES = captures()
STREAMED = {"puter-chat-tool-use": False, "puter-chat-tool-roundtrip": False, "puter-nonstream-blocked-fake": True}
"""Where we stream and the recording does not, or the other way round: never with tools, always else where asked to."""

CLAUDE = Vendor("claude", "claude-sonnet-4-5")
OPENAI = Vendor("openai-completion", "gpt-4o-mini")
RESPONSES = Vendor("openai-responses", "gpt-5-pro")
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "Hi"}


def by_name(model: str) -> Vendor:
    return Catalogue().vendor(model)


def args(vendor: Vendor, *messages: Any, **fields: Any) -> dict[str, Any]:
    return encode(caller(model=vendor.model, messages=list(messages) or [USER], **fields), vendor)


def notices(vendor: Vendor, **fields: Any) -> list[str]:
    request = caller(model=vendor.model, messages=[USER], **fields)
    return [notice.parameter for notice in left_out(request, vendor)]


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS)
def test_bodies_are_the_recorded_ones(recording: Recording) -> None:
    request = caller_of(recording)
    wanted = recording.exchange["upstream"]["body"]
    wanted["driver"] = "ai-chat"  # one recording shows what became of the names that others had once
    wanted["args"]["stream"] = STREAMED.get(recording.name, wanted["args"]["stream"])
    assert body(CHAT, encode(request, by_name(request.model))) == wanted
    assert left_out(request, by_name(request.model)) == []


def captured(number: str) -> dict[str, Any]:
    """The arguments of a capture, as we would have written them; we always say whether to stream."""
    request = CAPTURES[number].request
    assert request is not None
    return {"stream": False, **request["args"]}


@pytest.mark.parametrize(
    "number",
    [
        "10_chat_openai_nonstream",
        "11_chat_openai_stream",
        "15c_roundtrip_toolcalls_with_nonempty_content",
        "15f_claude_text_plus_toolcalls",
        "16_chat_openai_vision",
        "18_chat_openai_reasoning_stream",
        "20c_gpt5_reasoning_effort",
        "25_chat_claude_nonstream",
        "27_chat_claude_tools_nonstream",
        "29e_chat_openai_model_prefixed",
    ],
)
def test_what_puter_took_in_openais_form_is_what_we_send(number: str) -> None:
    wanted = captured(number)
    request = caller(**wanted)
    assert encode(request, by_name(request.model)) == wanted


@pytest.mark.parametrize("number", ["15b_roundtrip_tool_use_blocks", "15e_roundtrip_claude_tool_use_blocks"])
def test_calls_without_text_become_the_blocks_that_puter_took(number: str) -> None:
    wanted = captured(number)
    call_id = wanted["messages"][1]["content"][0]["id"]
    turn = calling('{"city":"Paris"}')
    turn["tool_calls"][0] |= {"id": call_id, "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    request = caller(**{**wanted, "messages": [wanted["messages"][0], turn, wanted["messages"][2]]})
    assert encode(request, by_name(request.model)) == wanted


@pytest.mark.parametrize(
    ("number", "dropped"),
    [
        ("12_chat_openai_tools_nonstream", ["tool_choice"]),
        ("20_chat_openai_extra_params", ["top_p", "stop", "response_format", "seed"]),
        ("20b_claude_extra_params", ["top_p", "stop"]),
    ],
)
def test_what_puter_was_seen_to_drop_is_named_and_not_sent(number: str, dropped: list[str]) -> None:
    given = captured(number)
    given.pop("tool_choice") if number.startswith("20b") else None  # a choice without tools is no choice
    request = caller(**given)
    sent = encode(request, by_name(request.model))
    assert sent == {name: value for name, value in given.items() if name not in dropped}
    assert left_out(request, by_name(request.model)) == [Notice(name) for name in dropped]


# tools


@pytest.mark.parametrize(
    ("fields", "streamed"),
    [
        ({"stream": True}, True),
        ({"stream": False}, False),
        ({"stream": True, "tools": [TOOL]}, False),
        ({"stream": True, "tools": [TOOL], "tool_choice": "none"}, True),
        ({"stream": True, "tools": []}, True),
    ],
)
def test_it_streams_unless_a_call_may_come(fields: dict[str, Any], streamed: bool) -> None:
    assert args(OPENAI, **fields)["stream"] is streamed


def test_tools_that_must_not_be_called_stay_at_home() -> None:
    assert "tools" not in args(OPENAI, USER, calling("{}"), result("c1"), tools=[TOOL], tool_choice="none")
    assert "tools" not in args(CLAUDE, tools=[TOOL], tool_choice="none")
    assert notices(OPENAI, tools=[TOOL], tool_choice="none") == []


def test_claude_is_given_the_tools_that_it_has_called() -> None:
    sent = args(CLAUDE, USER, calling("{}"), result("c1"), tools=[TOOL], tool_choice="none", stream=True)
    assert sent["tools"] == [TOOL]
    assert sent["stream"] is False


def test_vendors_own_tools_other_than_the_one_puter_knows_are_left_out() -> None:
    search = {"type": "web_search"}
    assert args(OPENAI, tools=[search])["tools"] == [search]
    assert "tools" not in args(CLAUDE, tools=[search])
    assert args(OPENAI, tools=[TOOL, {"type": "code_interpreter"}])["tools"] == [TOOL]
    assert notices(OPENAI, tools=[TOOL, {"type": "code_interpreter"}]) == ["tools"]
    assert notices(CLAUDE, tools=[search]) == ["tools"]


# parameters


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_limit_will_do(name: str) -> None:
    assert args(OPENAI, **{name: 9})["max_tokens"] == 9
    assert name == "max_tokens" or name not in args(OPENAI, **{name: 9})
    assert notices(OPENAI, **{name: 9}) == []


@pytest.mark.parametrize(
    ("vendor", "given", "sent"),
    [
        (OPENAI, {"reasoning_effort": "low", "verbosity": "low"}, {"reasoning_effort": "low", "verbosity": "low"}),
        (CLAUDE, {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        (CLAUDE, {"reasoning_effort": "none"}, {}),
        (
            RESPONSES,
            {"reasoning_effort": "low", "verbosity": "low"},
            {"reasoning": {"effort": "low"}, "text": {"verbosity": "low"}},
        ),
        (RESPONSES, {"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        (Vendor("openai-responses", "o3-pro"), {"reasoning_effort": "low"}, {}),
        (RESPONSES, {"top_p": 0.5, "temperature": 0}, {"top_p": 0.5, "temperature": 0}),
        (OPENAI, {"top_p": 0.5}, {}),
        (Vendor("xai", "grok-4"), {"temperature": 0.5}, {"temperature": 0.5}),
    ],
)
def test_parameters_are_said_as_the_vendors_provider_reads_them(vendor: Vendor, given: Any, sent: Any) -> None:
    assert {name: value for name, value in args(vendor, **given).items() if name not in args(vendor)} == sent


@pytest.mark.parametrize(
    ("vendor", "choice", "sent"),
    [
        (OPENAI, "required", None),
        (OPENAI, "auto", None),
        (Vendor("zai", "glm-5"), "required", "required"),
        (Vendor("zai", "glm-5"), "look", {"type": "function", "function": {"name": "look"}}),
        (RESPONSES, "look", {"type": "function", "name": "look"}),
        (RESPONSES, "auto", None),
    ],
)
def test_a_choice_of_tools_reaches_those_that_read_it(vendor: Vendor, choice: str, sent: Any) -> None:
    given = {"type": "function", "function": {"name": "look"}} if choice == "look" else choice
    assert args(vendor, tools=[TOOL], tool_choice=given).get("tool_choice") == sent
    assert notices(vendor, tools=[TOOL], tool_choice=given) == (
        ["tool_choice"] if vendor is OPENAI and choice == "required" else []
    )


def test_a_choice_without_tools_is_no_choice() -> None:
    assert "tool_choice" not in args(RESPONSES, tool_choice="required")
    assert notices(OPENAI, tool_choice="required") == []


@pytest.mark.parametrize(
    ("vendor", "given", "named"),
    [
        (Vendor("", "m"), {"temperature": 1, "max_tokens": 5, "reasoning_effort": "low", "verbosity": "low"}, []),
        (
            Vendor("openai-completion", "gpt-5-mini"),
            {"reasoning_effort": "low", "verbosity": "low"},
            ["reasoning_effort", "verbosity"],
        ),
        (Vendor("openai-responses", "o3-pro"), {"reasoning_effort": "low"}, ["reasoning_effort"]),
        (RESPONSES, {"reasoning_effort": "low", "top_p": 1}, []),
        (Vendor("claude", "claude-opus-4-8"), {"temperature": 1, "reasoning_effort": "low"}, ["temperature"]),
        (CLAUDE, {"temperature": 1, "verbosity": "low"}, ["verbosity"]),
        (
            Vendor("xai", "grok-4"),
            {"temperature": 1, "max_completion_tokens": 5},
            ["temperature", "max_completion_tokens"],
        ),
        (
            OPENAI,
            {"user": "me", "metadata": {"a": "b"}, "stop": ["x"], "frequency_penalty": 1},
            ["stop", "frequency_penalty"],
        ),
    ],
)
def test_what_does_not_reach_the_vendor_is_named(vendor: Vendor, given: Any, named: list[str]) -> None:
    assert notices(vendor, **given) == named
