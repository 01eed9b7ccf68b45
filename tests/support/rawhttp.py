"""A client that shows an HTTP/1.1 answer as the bytes it is, however it ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    """An answer up to the end of its connection. `body` is what followed the head, with its chunk sizes."""

    raw: bytes
    reset: bool = False

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def headers(self) -> dict[str, str]:
        fields = [line.partition(": ") for line in self.head.split("\r\n")[1:]]
        return {name.lower(): value for name, _, value in fields}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def chunks(self) -> list[bytes]:
        """The complete chunks of a chunked body, the last one empty if the body ended as it should."""
        found, body, start = [], self.body, 0
        while (line_end := body.find(b"\r\n", start)) > 0:
            end = line_end + 2 + int(body[start:line_end], 16)
            if len(body) < end + 2:
                break
            found.append(body[line_end + 2 : end])
            start = end + 2
        return found

    @property
    def content(self) -> bytes:
        """The body without its chunk sizes."""
        return b"".join(self.chunks) if "transfer-encoding" in self.headers else self.body

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def events(self) -> list[Any]:
        """The JSON of every event of a plain event stream, and "[DONE]" as it is."""
        lines = [line.removeprefix("data: ") for line in self.content.decode().split("\n\n") if line]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def send(
    url: str, body: Any = None, *, token: str | None = "demo", method: str = "", half_close: bool = False
) -> Heard:
    """Send one request and read until the other side closes. `half_close` says that no more will come from us."""
    split = urlsplit(url)
    assert split.hostname
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method or ('POST' if content else 'GET')} {split.path} HTTP/1.1", f"Host: {split.netloc}"]
    lines += [f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    heard = bytearray()
    try:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        if half_close:
            writer.write_eof()
        while read := await reader.read(1 << 20):
            heard += read
    except ConnectionResetError:
        return Heard(bytes(heard), reset=True)
    finally:
        writer.close()
    return Heard(bytes(heard))
