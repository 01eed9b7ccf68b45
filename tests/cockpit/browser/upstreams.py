"""The models behind the cockpit's tests: some with hostile names, some with hostile answers, of every kind."""

from __future__ import annotations

import base64
import json
import threading

from tests.support.models import echo, endless, gated, reasoning, tools
from tests.support.openai_media import OpenAIMedia
from tests.support.openai_parameters import body_of
from tests.support.openai_upstream import Turn
from tests.support.upstream import Seen, Wire

SCRIPT = "document.body.dataset.hacked = 'yes'"
HOSTILE = (
    f'<img src=x onerror="{SCRIPT}"><script>{SCRIPT}</script>'
    f'<iframe srcdoc="<script>parent.{SCRIPT}</script>"></iframe>'
    f'<a href="javascript:{SCRIPT}">click</a></div></cockpit-app><style>*{{display:none}}</style>{{{{constructor}}}}'
)
HOSTILE_NAME = f'"><img src=x onerror="{SCRIPT}">'
FAR_PICTURE = "https://elsewhere.invalid/picture.png"
NEAR_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
NAMES = {
    "image": f"flux {HOSTILE_NAME}",
    "speech": f"tts {HOSTILE_NAME}",
    "transcription": f"whisper {HOSTILE_NAME}",
    "video": f"sora {HOSTILE_NAME}",
    "embedding": f"embed {HOSTILE_NAME}",
}
"""Of each kind that is no chat, a hostile model's name, which begins so that its kind is known."""

SLOW, GONE, ENDLESS_FILM = "flux-slow", "flux-gone", "sora-endless"


class Media(OpenAIMedia):
    """With hostile models besides, one that never answers, one that hangs up, and a film that is never finished.

    `left` is set when nobody waits for the one that never answers any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()

    async def __call__(self, seen: Seen, wire: Wire) -> None:
        model = ENDLESS_FILM if seen.method == "GET" and "endless" in seen.path else _model(seen)
        if model == SLOW:
            await wire.hung_up()
            self.left.set()
        elif model == GONE:
            wire.reset()
        elif model == ENDLESS_FILM:
            await _reply(wire, {"id": "endless", "status": "in_progress", "progress": 10})
        elif model in NAMES.values():
            await self._harm(next(kind for kind, name in NAMES.items() if name == model), wire)
        else:
            await super().__call__(seen, wire)

    async def _harm(self, kind: str, wire: Wire) -> None:
        if kind == "speech":
            await wire.reply(200, HOSTILE, content_type="audio/html")
        elif kind == "image":
            svg = base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg" onload="{SCRIPT}"/>'.encode()).decode()
            await _reply(wire, {"created": 1, "data": [{"b64_json": svg, "revised_prompt": HOSTILE}]})
        elif kind == "transcription":
            await _reply(wire, {"text": HOSTILE})
        elif kind == "video":
            await _reply(wire, {"id": "x", "status": "failed", "error": {"code": "blocked", "message": HOSTILE}})
        else:
            await _reply(wire, {"error": {"message": HOSTILE, "code": "invalid_value"}}, 400)


def _model(seen: Seen) -> str:
    return str(body_of(seen).get("model", "")) if seen.method == "POST" else ""


async def _reply(wire: Wire, body: object, status: int = 200) -> None:
    await wire.reply(status, json.dumps(body))


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


CHATS = {
    "echo": echo,
    "gated": gated,
    "endless": endless,
    "reasoning": reasoning,
    "tools": tools,
    "hostile": hostile,
    "failing": failing,
    HOSTILE_NAME: echo,
}
MODELS = {**CHATS, **dict.fromkeys([SLOW, GONE, ENDLESS_FILM, *NAMES.values()], failing)}
"""All names that are listed; what is no chat is answered by `Media`."""
