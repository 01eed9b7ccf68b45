"""The kinds of upstream that every answer is proved with: how each speaks, and how one is configured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.support.chat_upstream import ChatUpstream, Turn, serving_chats
from tests.support.models import ANY_KIND
from tests.support.openai_media import OpenAIMedia
from tests.support.openai_models import ALL
from tests.support.openai_upstream import Turn as OpenAITurn
from tests.support.speech.anthropic import AnthropicTurn
from tests.support.speech.gemini import GeminiTurn
from tests.support.speech.puter import PuterTurn
from tests.support.speech.textual import FlowGPTTurn, GptanonTurn


@dataclass(frozen=True)
class Kind:
    """`block` is what its block says; URL stands for the upstream's address."""

    block: str
    speech: type[Turn]


_LISTED = f"models = {json.dumps([*ANY_KIND])}"
_PROMPTS = ", ".join(f'"{name}" = "{name}"' for name in ANY_KIND)

KINDS: Mapping[str, Kind] = {
    "openai": Kind('kind = "openai"\nbase_url = "URL"', OpenAITurn),
    "puter": Kind('kind = "puter"\nbase_url = "URL"', PuterTurn),
    "gptanon": Kind('kind = "gptanon"\nbase_url = "URL"', GptanonTurn),
    "flowgpt": Kind(
        f'kind = "flowgpt"\nbase_url = "URL"\ndevice_id = "d"\nstrip_prefix = ""\nprompts = {{{_PROMPTS}}}', FlowGPTTurn
    ),
    "anthropic-sse": Kind(
        f'kind = "declared"\npreset = "anthropic-sse"\nurl = "URL/v1/messages"\n{_LISTED}', AnthropicTurn
    ),
    "gemini-sse": Kind(
        f'kind = "declared"\npreset = "gemini-sse"\nurl = "URL/models/{{model}}:streamGenerateContent"\n{_LISTED}',
        GeminiTurn,
    ),
}
TAKING_PICTURES = tuple(name for name in KINDS if name != "flowgpt")
REPORTING = ("openai", "puter", "anthropic-sse", "gemini-sse")
"""They count tokens, and say where an answer ends. Of the others, an answer that ends in good HTTP is at its end."""

everywhere = pytest.mark.kinds(*KINDS)
with_pictures = pytest.mark.kinds(*TAKING_PICTURES)
with_an_end = with_usage = pytest.mark.kinds(*REPORTING)


@contextmanager
def upstream_of(kind: Kind) -> Iterator[ChatUpstream]:
    """An upstream of this kind with all the models that it can have."""
    with serving_chats(ChatUpstream(ALL if kind.speech is OpenAITurn else ANY_KIND, kind.speech)) as running:
        yield running


def block_of(upstream: ChatUpstream | OpenAIMedia) -> str:
    """How `upstream` is configured."""
    speech = upstream.speech if isinstance(upstream, ChatUpstream) else OpenAITurn
    [block] = [kind.block for kind in KINDS.values() if kind.speech is speech]
    return block.replace("URL", upstream.url)
