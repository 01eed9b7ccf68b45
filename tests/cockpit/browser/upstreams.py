"""The models behind the cockpit's tests: some with hostile names, and one with hostile words."""

from __future__ import annotations

from tests.support.openai_models import echo, endless, gated, reasoning, tools
from tests.support.openai_upstream import Turn

SCRIPT = "document.body.dataset.hacked = 'yes'"
HOSTILE = (
    f'<img src=x onerror="{SCRIPT}"><script>{SCRIPT}</script>'
    f'<iframe srcdoc="<script>parent.{SCRIPT}</script>"></iframe>'
    f'<a href="javascript:{SCRIPT}">click</a></div></cockpit-app><style>*{{display:none}}</style>{{{{constructor}}}}'
)
HOSTILE_NAME = f'"><img src=x onerror="{SCRIPT}">'
FAR_PICTURE = "https://elsewhere.invalid/picture.png"
NEAR_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


async def hostile(turn: Turn) -> None:
    """Everything that a model can say, said in HTML."""
    await turn.start()
    await turn.event(turn.chunk({"reasoning_content": HOSTILE}))
    await turn.event(turn.chunk({"content": HOSTILE}))
    for url in (FAR_PICTURE, NEAR_PICTURE):
        await turn.event(turn.chunk({"images": [{"type": "image_url", "image_url": {"url": url}}]}))
    function = {"name": "x", "arguments": f'{{"a": "{HOSTILE_NAME}"'}
    await turn.event(turn.chunk({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}))
    await turn.end("tool_calls")


async def failing(turn: Turn) -> None:
    """Its error is HTML too."""
    await turn.wire.reply(400, f'{{"error": {{"message": "{HOSTILE_NAME.replace(chr(34), chr(39))}"}}}}')


MODELS = {
    "echo": echo,
    "gated": gated,
    "endless": endless,
    "reasoning": reasoning,
    "tools": tools,
    "hostile": hostile,
    "failing": failing,
    HOSTILE_NAME: echo,
}
