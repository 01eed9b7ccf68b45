"""The driver call, Puter's one door: a method of a driver, with its arguments, posted as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Literal, NamedTuple, TypeVar

from core.chat.errors import Retry, UpstreamBadResponse, UpstreamError
from core.chat.requests import Json
from core.dialects.answers import first_byte, json_body
from core.providers.puter.failures import from_answer, in_band
from core.wire.client import HttpAnswer, HttpClient

T = TypeVar("T")


class Driver(NamedTuple):
    """What is called: an interface, the driver behind it, and its method."""

    interface: str
    name: str
    method: str


class Account(NamedTuple):
    """Who calls, and where: Puter at `base_url`, and the secret of an account there, "" for nobody's."""

    http: HttpClient
    base_url: str
    secret: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The secret goes into the header: Puter would take it in the body too, where it ends up in logs."""
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}


def body(driver: Driver, args: Mapping[str, Json]) -> dict[str, Json]:
    return {"interface": driver.interface, "driver": driver.name, "method": driver.method, "args": args}


@asynccontextmanager
async def call(
    account: Account, driver: Driver, args: Mapping[str, Json], headers: Mapping[str, str] | None = None
) -> AsyncIterator[HttpAnswer]:
    """The answer to a call, its body still to be read. Raises `UpstreamError` for every status but 200."""
    url, fields = f"{account.base_url}/drivers/call", {**account.headers, **(headers or {})}
    async with account.http.request("POST", url, headers=fields, json=body(driver, args)) as answer:
        await check(answer)
        if not await answer.peek():
            raise UpstreamError("The upstream answered with nothing.", code="upstream_empty")
        yield answer


@asynccontextmanager
async def call_once(account: Account, driver: Driver, args: Mapping[str, Json]) -> AsyncIterator[HttpAnswer]:
    """`call`, for what is expensive: it is never done twice, neither by us nor by whoever learns that it failed.

    It has a connection of its own, since on one that was kept from before a request may be sent again.
    """
    with paid_for():
        async with call(account, driver, args, {"Connection": "close"}) as answer:
            yield answer


async def result(account: Account, driver: Driver, args: Mapping[str, Json], read: Callable[[Json], T]) -> T:
    """What an expensive call comes to, where that is JSON and `read` makes sense of it."""
    async with call_once(account, driver, args) as answer:
        return read(await unwrapped(answer))


async def unwrapped(answer: HttpAnswer) -> Json:
    """The result in the envelope that `answer` is. Raises `UpstreamError`."""
    envelope = await json_body(answer)
    if isinstance(envelope, dict):
        if error := in_band(envelope):
            raise error
        if "result" in envelope:
            return envelope["result"]
    raise UpstreamBadResponse("The upstream answered with an envelope that holds no result.")


@contextmanager
def paid_for() -> Iterator[None]:
    """What fails inside is not to be tried again, unless the upstream was not reached or refused before it began."""
    try:
        yield
    except UpstreamError as error:
        if _may_have_begun(error):
            error.retry = Retry.NEVER
        raise


def is_media(content_type: str, kind: Literal["audio", "video"]) -> bool:
    return content_type.lower().startswith((f"{kind}/", "application/octet-stream", "binary/octet-stream"))


async def check(answer: HttpAnswer) -> None:
    """Raises `UpstreamError` for an answer that is no success, and for a web page."""
    if answer.status != 200:
        raise from_answer(answer.status, answer.headers, await answer.read())
    if not is_media(answer.headers.get("content-type", ""), "audio"):  # sound may begin with any byte, also with "<"
        await first_byte(answer)


def _may_have_begun(error: UpstreamError) -> bool:
    """A refusal names a better token or route; whatever else is said of an upstream tells nothing about our request."""
    return error.reached and (error.retry is Retry.SAME or isinstance(error, UpstreamBadResponse))
