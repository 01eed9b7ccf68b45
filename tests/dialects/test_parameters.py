from core.chat.events import Notice
from core.chat.requests import ChatRequest, Message
from core.dialects.parameters import left_out


def request(**parameters: object) -> ChatRequest:
    return ChatRequest("m", (Message("user", "Hi"),), parameters=parameters)


def test_every_parameter_that_would_change_the_answer_is_named() -> None:
    asked = request(temperature=0, stop=["\n"], response_format={"type": "json_object"}, never_heard_of=1)
    named = [Notice("temperature"), Notice("stop"), Notice("response_format"), Notice("never_heard_of")]
    assert left_out(asked) == named


def test_what_the_upstream_takes_is_not_named() -> None:
    assert left_out(request(temperature=0, top_p=1), taken={"temperature"}) == [Notice("top_p")]


def test_nobody_misses_what_does_not_change_the_answer() -> None:
    assert left_out(request(user="u", metadata={}, store=True, service_tier="auto", n=1)) == []
    assert left_out(request(response_format={"type": "text"})) == []
