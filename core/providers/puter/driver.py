"""The driver call, Puter's one door: a method of a driver, with its arguments, posted as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from core.chat.errors import UpstreamError
from core.chat.requests import Json
from core.dialects.answers import first_byte
from core.providers.puter.failures import from_answer
from core.wire.client import HttpAnswer, HttpClient


class Driver(NamedTuple):
    """What is called: an interface, the driver behind it, and its method."""

    interface: str
    name: str
    method: str


def body(driver: Driver, args: Mapping[str, Json]) -> dict[str, Json]:
    return {"interface": driver.interface, "driver": driver.name, "method": driver.method, "args": args}


@asynccontextmanager
async def call(
    http: HttpClient, base_url: str, secret: str, driver: Driver, args: Mapping[str, Json]
) -> AsyncIterator[HttpAnswer]:
    """The answer to a call, its body still to be read. Raises `UpstreamError` for every status but 200.

    The secret goes into the header: Puter would take it in the body too, where it ends up in logs.
    """
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with http.request("POST", f"{base_url}/drivers/call", headers=headers, json=body(driver, args)) as answer:
        await check(answer)
        if not await answer.peek():
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        yield answer


async def check(answer: HttpAnswer) -> None:
    """Raises `UpstreamError` for an answer that is no success, and for a web page."""
    if answer.status != 200:
        raise from_answer(answer.status, answer.headers, await answer.read())
    await first_byte(answer)
