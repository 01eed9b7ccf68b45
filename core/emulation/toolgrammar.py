"""Tool calls as blocks of text, in marks that nobody but this request's model has ever seen.

    Let me look.
    <tool_call_5f0c91d2>
    {"name": "weather", "arguments": {"city": "Oslo"}}
    </tool_call_5f0c91d2>

The random part makes the marks: text of a user, of a page or of a tool's result cannot know it, so it can neither
begin a call nor end one. What is between an opening mark and the next mark outside of a JSON string is the block's
content; a mark within a string is part of the string. The parser gives text as soon as it cannot be a mark any more,
and however the text was cut on its way, the result is the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn, TypeAlias

from core.chat.errors import Retry, UpstreamError
from core.chat.requests import Json

LARGEST_BLOCK = 1024 * 1024
MOST_MARKS = 1000
MOST_BLANK = 1000
LONGEST_ATTRIBUTES = 200

_ATTRIBUTES = rf"[^<>{{\n]{{0,{LONGEST_ATTRIBUTES}}}"
_STRING_MARKS = r'\\.?|"'


class Block(NamedTuple):
    """What stood between two marks: `value` where that is JSON, else `fault` says why not.

    `closed` is false at the end of an answer that breaks off within the block.
    """

    content: str
    value: Json = None
    fault: str = ""
    closed: bool = True


Piece: TypeAlias = str | Block


class Marks:
    """The marks of one request. `nonce` is lower-case letters and digits."""

    def __init__(self, nonce: str) -> None:
        self.call, self.result = f"tool_call_{nonce}", f"tool_result_{nonce}"
        self.names = [f"<{slash}{name}" for name in (self.call, self.result) for slash in ("", "/")]
        self.longest = max(map(len, self.names)) + len(r"\\")
        self.pattern = re.compile(rf"(?i:<(/?)tool\\?[_-](call|result)\\?[_-]){nonce}", re.ASCII)

    def around(self, content: str, attributes: str = "") -> str:
        """A call as it is written."""
        return f"<{self.call}{attributes}>\n{content}\n</{self.call}>"

    def around_result(self, content: str, attributes: str = "") -> str:
        return f"<{self.result}{attributes}>\n{content}\n</{self.result}>"

    def unfinished(self, text: str) -> str:
        """What a mark would be that begins at the end of `text` and is not complete, in its usual spelling."""
        start = text.rfind("<", max(len(text) - self.longest, 0))
        half = text[start:].lower().replace("\\", "").replace("-", "_") if start >= 0 else ""
        return half if any(name.startswith(half) for name in self.names) else ""

    def held(self, text: str) -> int:
        """How much at the end of `text` may still become a mark."""
        return len(text) - text.rfind("<") if self.unfinished(text) else 0


class Blocks:
    """Takes one answer apart into what is to be seen and what is to be called.

    `ended` once the model began to write what only we write: the result of a call. Nothing after that is its own.
    """

    def __init__(self, marks: Marks) -> None:
        self.ended = False
        self._marks = marks
        self._text = ""
        """What is not decided yet; within a block, its end."""
        self._block: _Open | None = None
        self._seen = 0
        self._blank = ""
        """Blank space beside a block, shown only if there comes more."""
        self._beside = True
        self._latest = ""
        """The end of what is seen."""

    def feed(self, text: str) -> list[Piece]:
        """The pieces that `text` completes. Raises `UpstreamError` where there is no end to a block."""
        self._text += text
        return list(self._pieces(final=False))

    def end(self) -> list[Piece]:
        """What was still undecided when the answer ended."""
        return list(self._pieces(final=True))

    def _pieces(self, *, final: bool) -> Iterator[Piece]:
        while not self.ended:
            mark = self._marks.pattern.search(self._text)
            if mark is None:
                yield from self._rest(final=final)
                if not final or self._block is None:
                    return
                yield self._cut(self._block)
            elif self._block is not None:
                yield from self._marked(self._block, mark)
            else:
                yield from self._say(self._text[: mark.start()])
                self._text = self._text[mark.start() :]
                if not self._pass_mark(mark, final=final):
                    return

    def _rest(self, *, final: bool) -> Iterator[Piece]:
        """No mark is left in sight: all is text or content, but for what may become one."""
        kept = len(self._text) - self._marks.held(self._text)
        ready, half = self._text[:kept], self._text[kept:]
        if self._block is not None:
            self._block.take(ready)
            self._text = half
            return
        yield from self._say(ready)
        self._text = half
        if final:
            yield from self._last(self._marks.unfinished(half))

    def _last(self, half: str) -> Iterator[Piece]:
        rest, self._text = self._text, ""
        if "_" not in half:  # `<tool` may be anybody's
            yield from self._say(rest)
        elif self._marks.names[0].startswith(half):
            yield Block("", fault="it is not complete", closed=False)
        if self._blank and not self._seen:
            yield self._blank

    def _say(self, text: str) -> Iterator[str]:
        if self._beside:
            text, self._blank = self._blank + text, ""
            if not text.strip() and len(text) < MOST_BLANK:
                self._blank = text
                return
            self._beside = False
            if 0 < len(self._marks.unfinished(self._latest)) < len(self._marks.unfinished(self._latest + text[0])):
                text = f" {text}"  # or what is left around a mark would join into another one
        if text:
            self._latest = (self._latest + text)[-self._marks.longest :]
            yield text

    def _pass_mark(self, mark: re.Match[str], *, final: bool) -> bool:
        """Go on behind a mark outside of a block; false while it is not known where the mark ends."""
        behind = self._text[mark.end() - mark.start() :]
        attributes = re.match(rf"{_ATTRIBUTES}>", behind)
        if not attributes and not final and re.fullmatch(_ATTRIBUTES, behind):
            return False
        self._count_mark()
        self._text = behind[attributes.end() :] if attributes else behind
        self._blank, self._beside = "", True
        is_closing, kind = mark[1], mark[2].lower()
        if not is_closing and kind == "call":
            self._block = _Open()
        self.ended = not is_closing and kind == "result"
        return True

    def _marked(self, block: _Open, mark: re.Match[str]) -> Iterator[Block]:
        """A mark within a block: part of a string there, or the block's end."""
        self._count_mark()
        block.take(self._text[: mark.start()])
        if block.in_string:
            block.pass_mark(mark[0])
            self._text = self._text[mark.end() :]
            return
        self._text = self._text[mark.start() :]
        yield self._close(block, closed=True)

    def _cut(self, block: _Open) -> Block:
        """The answer ended within the block, perhaps within its closing mark."""
        cut = self._close(block, closed=False)
        if not cut.closed:
            self._text = ""
        return cut

    def _close(self, block: _Open, *, closed: bool) -> Block:
        """The block as it is; where it is no JSON and had a mark in what seemed a string, it ended there instead."""
        content = block.content
        value, fault = read_json(content)
        self._block = None
        if fault and block.first_mark is not None:
            self._text = content[block.first_mark :] + self._text
            content, closed = content[: block.first_mark], True
        return Block(content, value, fault, closed)

    def _count_mark(self) -> None:
        self._seen += 1
        if self._seen > MOST_MARKS:
            raise too_much(f"The upstream's answer has more than {MOST_MARKS} marks of tool calls.")


class _Open:
    """A block that is being read. Its content is put together once, however many pieces it came in."""

    def __init__(self) -> None:
        self.in_string = False
        self.first_mark: int | None = None
        """Where in the content the first mark is that was taken for part of a string."""
        self._pieces: list[str] = []
        self._size = 0
        self._escaped = False

    @property
    def content(self) -> str:
        return "".join(self._pieces)

    def take(self, piece: str) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._size > LARGEST_BLOCK:
            raise too_much("The upstream's tool call is larger than 1 MiB.")
        self._pieces.append(piece)
        signs = re.findall(_STRING_MARKS, piece[1:] if self._escaped else piece, re.DOTALL)
        self.in_string = self.in_string is not bool(signs.count('"') % 2)
        self._escaped = bool(signs) and signs[-1] == "\\"

    def pass_mark(self, mark: str) -> None:
        if self.first_mark is None:
            self.first_mark = self._size
        self.take(mark)


def read_json(content: str) -> tuple[Json, str]:
    """The JSON value in `content`, with or without a code fence around it, and what is wrong with it if it is none."""
    text = content.strip()
    if text.startswith("`"):
        language, _, fenced = text.strip("`").partition("\n")
        text = fenced if language.strip().isalnum() else text.strip("`")
    try:
        return json.loads(text, strict=False, parse_constant=_refuse), ""
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, f"it is not valid JSON ({error})" if text else "it is empty"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def too_much(message: str) -> UpstreamError:
    return UpstreamError(message, code="tool_call_invalid", retry=Retry.OTHER_ROUTE)
