"""Writes docs/clients.md from the file that the cockpit reads too: `make docs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "core" / "cockpit" / "static" / "clients.json"
TARGET = ROOT / "docs" / "clients.md"
EXAMPLE = {
    "{root}": "https://YOUR.ADDRESS",
    "{base}": "https://YOUR.ADDRESS/v1",
    "{key}": "YOUR-KEY",
    "{model}": "MODEL",
}
HEAD = """\
# The settings of each client

Made from [clients.json](../core/cockpit/static/clients.json) by `make docs`; the cockpit's panel Connect shows the
same with your own address and key filled in. `https://YOUR.ADDRESS` is where the gateway answers
(`http://127.0.0.1:8000` on your own machine), `MODEL` one of `any2api models`.

| client | where | settings | it asks |
|---|---|---|---|
"""


def clients() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(SOURCE.read_text("utf-8"))
    return listed


def document() -> str:
    listed = clients()
    return HEAD + "".join(map(_row, listed)) + "".join(_section(client) for client in listed if "code" in client)


def _row(client: dict[str, Any]) -> str:
    where = "<br>".join(dict.fromkeys(client.get("where", {}).values()))
    settings = [f"{label}: `{_filled(value)}`" for label, value in client.get("fields", ())]
    if "code" in client:
        settings.append(f"[below](#{_anchor(client['name'])})")
    settings += client.get("note", {}).values()
    return f"| {client['name']} | {where} | {'<br>'.join(settings)} | `/{client['path']}` |\n"


def _section(client: dict[str, Any]) -> str:
    return f"\n## {client['name']}\n```\n{_filled(client['code'])}\n```\n"


def _filled(template: str) -> str:
    for placeholder, example in EXAMPLE.items():
        template = template.replace(placeholder, example)
    return template


def _anchor(title: str) -> str:
    return "".join(char for char in title.lower() if char.isalnum() or char in " -").replace(" ", "-")


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
