"""Refusals as services word them, and what may be left out after one."""

from __future__ import annotations

import pytest

from core.chat.errors import UpstreamError
from core.dialects.openai_concessions import refused_parameter


def refusal(message: str, param: str | None = None, status: int = 400) -> UpstreamError:
    return UpstreamError(message, status=status, code="upstream_rejected_request", param=param)


@pytest.mark.parametrize(
    "message",
    [
        "Unknown parameter: 'style'.",
        "Unsupported parameter: 'style' is not supported with this model.",
        "Unrecognized request argument supplied: style",
        "Argument not supported: style",
        "The parameter `style` is not allowed.",
        "Extra inputs are not permitted: style",
    ],
)
def test_an_unknown_parameter_can_be_left_out(message: str) -> None:
    assert refused_parameter(refusal(message), (), ("quality", "style")) == "style"


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value: 'vivid'. Supported values of style are: 'natural'.",
        "The style is not supported by this model.",
        "You must provide n=1 for this model.",
        "Your prompt was rejected; its style is not permitted.",
    ],
)
def test_a_complaint_about_its_value_is_the_callers(message: str) -> None:
    assert refused_parameter(refusal(message, "style"), (), ("style", "n")) is None


def test_of_what_no_caller_asked_for_any_complaint_will_do() -> None:
    bad_value = refusal("Input should be 'float'", "encoding_format")
    assert refused_parameter(bad_value, ("encoding_format",), ()) == "encoding_format"
    assert refused_parameter(refusal("encoding_format: be float"), ("encoding_format",), ()) == "encoding_format"


def test_the_parameter_that_a_refusal_names_comes_before_the_words_in_it() -> None:
    both = refusal("Unknown parameter: 'size' has no quality", "size")
    assert refused_parameter(both, (), ("quality", "size")) == "size"


def test_a_name_is_a_word_of_its_own() -> None:
    assert refused_parameter(refusal("Unknown parameter: 'banner'"), (), ("n",)) is None
    assert refused_parameter(refusal("Unknown parameter: 'n'"), (), ("n",)) == "n"


@pytest.mark.parametrize("status", [401, 429, 500])
def test_other_failures_teach_nothing(status: int) -> None:
    assert refused_parameter(refusal("Unknown parameter: 'style'", status=status), ("style",), ("style",)) is None
