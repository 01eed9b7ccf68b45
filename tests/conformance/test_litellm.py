"""LiteLLM as a client; it is no dependency of the tests, since it brings a hundred of its own."""

from __future__ import annotations

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.samples import UNICODE
from tests.support.gateway import KEY


@pytest.mark.filterwarnings("ignore")  # its own
@pytest.mark.parametrize("streamed", [False, True])
def test_it_reads_an_answer(gateway: Connected, streamed: bool) -> None:
    """Item 86."""
    litellm = pytest.importorskip("litellm", reason="litellm is not installed")
    asked = {"api_base": f"{gateway.url}/v1", "api_key": KEY, "messages": [{"role": "user", "content": UNICODE}]}

    answer = litellm.completion("openai/echo", stream=streamed, **asked)

    if streamed:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        text = answer.choices[0].message.content
    assert text == UNICODE
