"""What `any2api models` lists, and which model is the first."""

import asyncio
import json

from core.app import build_gateway
from core.chat.settings import read_settings
from core.cli import main
from core.cli.models import first_model
from tests.support.upstream import Seen, Wire, upstream


async def two_models(_: Seen, wire: Wire) -> None:
    await wire.reply(200, json.dumps({"data": [{"id": "alpha-long\x1b[2J"}, {"id": "dall-e-3"}]}))


async def test_models_as_a_client_sees_them(run, directory):
    async with upstream(two_models) as server:
        (directory / "any2api.toml").write_text(f"""
            [providers.found]
            kind = "openai"
            base_url = "{server.url}"
            [providers.named]
            kind = "openai"
            models = {{ fast = "org/model", "claude-*" = "claude-*" }}
            [models]
            best = "named/fast"
        """)
        outcome = await run("models")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["best", "named", "chat"],
        ["alpha-long[2J", "found", "chat"],
        ["dall-e-3", "found", "image"],
        ["fast", "named", "chat"],
    ]


def test_no_model_at_all_is_an_error(directory, capsys):
    (directory / "any2api.toml").write_text('[providers.x]\nkind = "openai"\nmodels = ["claude-*"]\n')
    assert main(["models"]) == 1
    assert capsys.readouterr() == ("", "error: No provider lists a model now; name some in its `models`.\n")


async def first(**document) -> str | None:
    settings = read_settings(document)
    return await first_model(settings, build_gateway(settings, environment={}))


async def test_the_first_model_is_an_alias_then_one_that_is_named_then_one_that_is_found():
    async with upstream(two_models) as server:
        found = {"found": {"kind": "openai", "base_url": server.url}}
        named = {"named": {"kind": "openai", "models": ["claude-*", "fast"]}}
        assert await first(providers=found | named, models={"best": "found/x"}) == "best"
        assert await first(providers=found | named) == "named/fast"
        assert server.seen == []


async def test_without_any_list_there_is_no_first_model():
    assert await first(providers={"x": {"kind": "openai", "base_url": "http://127.0.0.1:9"}}) is None


async def test_a_slow_list_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("core.cli.models.PATIENCE", 0.0)

    async def silent(_: Seen, wire: Wire) -> None:
        await wire.hung_up()

    async with upstream(silent) as server, asyncio.timeout(5):
        assert await first(providers={"x": {"kind": "openai", "base_url": server.url}}) is None
