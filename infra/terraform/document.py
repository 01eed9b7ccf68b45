"""Writes the tables of inputs and outputs into every module's README; `--check` only says whether they are right."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}$', re.MULTILINE | re.DOTALL)
TABLES = re.compile(r"(?<=<!-- tables -->\n).*(?=<!-- end of tables -->)", re.DOTALL)


def main() -> int:
    stale = []
    for readme in sorted(HERE.glob("*/*/README.md")):
        text = readme.read_text("utf-8")
        fresh = TABLES.sub(lambda _, folder=readme.parent: tables(folder), text)
        if fresh != text:
            stale.append(str(readme))
            if "--check" not in sys.argv:
                readme.write_text(fresh, "utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"stale: {', '.join(stale)}; run python infra/terraform/document.py\n")
        return 1
    return 0


def tables(folder: Path) -> str:
    """Both tables of the module in `folder`."""
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.tf")))
    blocks = BLOCK.findall(text)
    inputs = [row(name, body) for kind, name, body in sorted(blocks) if kind == "variable"]
    outputs = [
        f"| `{name}` | {setting(body, 'description')} |" for kind, name, body in sorted(blocks) if kind == "output"
    ]
    parts = [
        "\n### Inputs\n\n| name | type | default | description |\n|---|---|---|---|\n",
        *(f"{line}\n" for line in inputs),
        "\n### Outputs\n\n| name | description |\n|---|---|\n",
        *(f"{line}\n" for line in outputs),
        "\n",
    ]
    return "".join(parts)


def row(name: str, body: str) -> str:
    default = setting(body, "default")
    required = "required" if default is None else f"`{default}`"
    kind = "ephemeral " if "ephemeral   = true" in body else ""
    return f"| `{name}` | {kind}`{setting(body, 'type')}` | {required} | {setting(body, 'description')} |"


def setting(body: str, name: str) -> str | None:
    """The value of an argument as `terraform fmt` leaves it, on one line; a string without its quotes."""
    found = re.search(rf"^  {name}\s*= (.*?(?:\(\{{\n(?:    .*\n)*  \}}\))?)$", body, re.MULTILINE)
    if found is None:
        return None
    value = re.sub(r"\s+", " ", found[1]).replace("|", "\\|")
    return value[1:-1] if name == "description" else value


if __name__ == "__main__":
    sys.exit(main())
