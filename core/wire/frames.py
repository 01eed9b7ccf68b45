"""What every framing shares: a frame, and the bounds that keep a hostile upstream from filling our memory."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from core.chat.errors import Retry, UpstreamError

MAX_LINE = 16 * 1024 * 1024
MAX_EVENT = 32 * 1024 * 1024


class Frame(NamedTuple):
    """One event of a stream, before anyone knows what it means.

    `event` is the name an SSE event carries, or the code of a `CODE:json` line. `damaged` says that `data` held
    bytes that are no UTF-8 and were replaced.
    """

    data: str
    event: str = ""
    damaged: bool = False


class Framing(Protocol):
    """Cuts bytes into frames, however they were chunked on the way."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that `chunk` completes."""
        ...

    def end(self) -> list[Frame]:
        """What is left when the body has ended."""
        ...


def too_large(limit: int) -> UpstreamError:
    return UpstreamError(
        f"The upstream sent one event of more than {limit // 1024 // 1024} MiB.",
        code="upstream_event_too_large",
        retry=Retry.OTHER_ROUTE,
    )


def text_frame(data: bytes, event: str = "") -> Frame:
    """A frame of `data`; bytes that are no UTF-8 become U+FFFD and mark it as damaged."""
    try:
        return Frame(data.decode("utf-8"), event)
    except UnicodeDecodeError:
        return Frame(data.decode("utf-8", "replace"), event, damaged=True)
