"""Rows 3, 11 and 12 once more: what a caller's picture leads to, where its upstream takes only bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import core.app
from core.wire.client import HttpClient
from tests.faults.kinds import at
from tests.faults.stage import DONE, GOOD, TOKENS, answered, event, refused, says
from tests.support.internet import PUBLIC, Internet
from tests.support.tls import HOST
from tests.support.upstream import Seen, Wire, upstream

PNG = b"\x89PNG\r\n\x1a\n"
SECRET = "inside-canary-delta-31c8"
HELLO = says(event({"type": "token", "token": "Hello"}), event({"type": "done"}), DONE)
UNREACHABLE = "What the URL names cannot be fetched: its address cannot be reached."
GPTANON: Mapping[str, Any] = {"provider": at("gptanon")}


def see(url: str) -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


async def inside(_: Seen, wire: Wire) -> None:
    """What only the gateway could reach."""
    await wire.reply(200, SECRET)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """The gateway's way to the internet."""
    way = Internet()
    monkeypatch.setattr(core.app, "HttpClient", lambda **_: HttpClient(internet=way))
    return way


async def test_a_picture_is_attached_as_if_it_had_been_sent(stage, streamed, way):
    async def picture(_: Seen, wire: Wire) -> None:
        await wire.reply(200, PNG)

    async with upstream(picture) as site, stage(HELLO, **GPTANON) as here:
        answered(await here.ask(stream=streamed, messages=see(site.at(HOST) + "/a.png")))
        [attached] = here.a.seen[0].json["attachments"]
        assert attached["url"] == "data:image/png;base64,iVBORw0KGgo="
        [fetched] = site.seen
        assert fetched.headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}
        assert way.reached == [PUBLIC]


async def test_a_picture_in_our_own_network(stage, streamed):
    """Row 3: nobody there is asked, and the upstream is not either; the token is not to blame."""
    async with upstream(inside) as private, stage(HELLO, **GPTANON) as here:
        said = await here.ask(stream=streamed, messages=see(private.url))
        refused(said, 400, "invalid_image_url", saying=UNREACHABLE)
        assert said.json["error"]["param"] == "messages[0].content[1].image_url"
        assert b"127.0.0.1" not in said.raw
        assert (private.accepted, here.a.accepted, here.rests) == (0, 0, {})
    [entry] = here.entries()
    assert (entry["status"], entry["error"], entry["attempts"]) == (400, "invalid_image_url", 1)
    assert "127.0.0.1" not in "".join(here.log)


@pytest.mark.parametrize(
    "url",
    ["http://2130706433:{}/", "http://[::ffff:127.0.0.1]:{}/", "http://inside.test:{}/", "http://nonesuch.test:{}/"],
)
async def test_nothing_tells_who_is_there_from_who_is_not(stage, streamed, way, url):
    async with upstream(inside) as private, stage(HELLO, **GPTANON) as here:
        said = await here.ask(stream=streamed, messages=see(url.format(private.url.rpartition(":")[2])))
        refused(said, 400, "invalid_image_url")
        assert said.json["error"]["message"] == UNREACHABLE
        assert (private.accepted, way.reached) == (0, [])


async def test_a_name_that_leads_inside_once_it_was_checked(stage, streamed, way):
    """Row 3: the connection goes to the address that was checked."""

    async def picture(_: Seen, wire: Wire) -> None:
        way.names[HOST] = ["127.0.0.1"]
        await wire.reply(200, PNG, connection="close")
        wire.close()

    async with upstream(picture) as site, stage(HELLO, **GPTANON) as here:
        answered(await here.ask(stream=streamed, messages=see(site.at(HOST))))
        refused(await here.ask(stream=streamed, messages=see(site.at(HOST))), 400, "invalid_image_url")
        assert way.reached == [PUBLIC]


async def test_a_picture_that_is_redirected_inside(stage, streamed, way):
    """Row 11: no further than to the first host, which saw no credential."""
    async with upstream(inside) as private:

        async def moved(_: Seen, wire: Wire) -> None:
            await wire.reply(302, b"", Location=f"{private.url}/{SECRET}")

        async with upstream(moved) as site, stage(HELLO, **GPTANON) as here:
            said = await here.ask(stream=streamed, messages=see(site.at(HOST)))
            refused(said, 400, "invalid_image_url", saying=UNREACHABLE)
            assert SECRET.encode() not in said.raw
            assert (private.accepted, here.a.accepted) == (0, 0)
            [seen] = site.seen
            assert not {"authorization", "cookie", "referer"} & seen.headers.keys()
            assert TOKENS[0] not in str(seen)
    assert SECRET not in "".join(here.log)


async def test_a_picture_that_is_redirected_without_end(stage, streamed, way):
    """Row 12."""

    async def moved(_: Seen, wire: Wire) -> None:
        await wire.reply(307, b"", Location="/again")

    async with upstream(moved) as site, stage(HELLO, **GPTANON) as here:
        said = await here.ask(stream=streamed, messages=see(site.at(HOST)))
        refused(said, 400, "invalid_image_url", saying="redirected again and again")
        assert len(site.seen) == 4


async def test_a_page_is_no_picture(stage, streamed, way):
    """Its text goes nowhere, whatever it is called."""

    async def page(_: Seen, wire: Wire) -> None:
        await wire.reply(200, SECRET, content_type="image/png")

    async with upstream(page) as site, stage(HELLO, **GPTANON) as here:
        said = await here.ask(stream=streamed, messages=see(site.at(HOST)))
        refused(said, 400, "invalid_image_url", saying="no picture")
        assert SECRET.encode() not in said.raw
        assert here.a.accepted == 0


async def test_a_picture_in_our_own_network_where_that_is_allowed(stage, streamed):
    async def picture(_: Seen, wire: Wire) -> None:
        await wire.reply(200, PNG)

    async with upstream(picture) as site, stage(HELLO, **GPTANON, private_addresses=True) as here:
        answered(await here.ask(stream=streamed, messages=see(site.url)))
        assert here.a.seen[0].json["attachments"][0]["size"] == len(PNG)
        said = await here.ask(stream=streamed, messages=see("http://169.254.169.254/latest/meta-data/"))
        refused(said, 400, "invalid_image_url", saying=UNREACHABLE)


async def test_who_takes_urls_is_given_the_url(stage, streamed, way):
    """The gateway asks for nothing."""
    url = "http://169.254.169.254/a.png"
    async with stage(GOOD) as here:
        answered(await here.ask(stream=streamed, messages=see(url)))
        assert here.a.seen[0].json["messages"] == see(url)
        assert (way.asked, way.reached) == ([], [])
