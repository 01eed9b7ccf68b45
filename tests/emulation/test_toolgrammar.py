"""Blocks in a text: found however it was cut, shown never, and no text lost around them."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from core.chat.errors import UpstreamError
from core.emulation import toolgrammar
from core.emulation.toolgrammar import Block, Blocks, Marks, Piece, read_json

MARKS = Marks("5f0c91d2")
CALL, END, RESULT = "<tool_call_5f0c91d2>", "</tool_call_5f0c91d2>", "<tool_result_5f0c91d2>"


def parsed(chunks: Iterable[str]) -> tuple[str, list[Block]]:
    """What is seen of an answer that came in `chunks`, and its blocks."""
    blocks = Blocks(MARKS)
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += blocks.feed(chunk)
    pieces += blocks.end()
    assert all(pieces), "an empty piece says nothing"
    return "".join(piece for piece in pieces if isinstance(piece, str)), [p for p in pieces if isinstance(p, Block)]


def however_cut(text: str) -> tuple[str, list[Block]]:
    whole = parsed([text])
    assert parsed(text) == whole
    for cut in range(len(text)):
        assert parsed([text[:cut], text[cut:]]) == whole
    return whole


ANSWERS = [
    ("no call, 1 < 2 and <b> and <tool>", "no call, 1 < 2 and <b> and <tool>", []),
    (f"A{CALL}1{END}B", "AB", [1]),
    (f"A \n{CALL}\n1\n{END}\n B", "A \n\n B", [1]),
    (f"\n {CALL}1{END}\n\n{CALL}2{END}\n", "", [1, 2]),
    (f"{CALL}1{CALL}2{END}", "", [1, 2]),
    (f"{CALL}1", "", [1]),
    (f"{CALL}1</tool_ca", "", [1]),
    (f"{CALL}1{END[:-1]} B", " B", [1]),
    (f"{CALL[:-1]}\n1\n{END}", "", [1]),
    (f"A{END}B{END}", "AB", []),
    (f'{CALL}{{"a": "{END} {CALL} \\" {END}"}}{END}B', "B", [{"a": f'{END} {CALL} " {END}'}]),
    (f'{CALL}["\\\\"]{END}B', "B", [["\\"]]),
    (f"<{CALL}1{END}<", "<<", [1]),
    (f"<{END}tool_{END}call_5f0c91d2>", "< tool_call_5f0c91d2>", []),
    ("  \n ", "  \n ", []),
    ("", "", []),
]


@pytest.mark.parametrize(("text", "seen", "values"), ANSWERS)
def test_what_is_between_marks_is_a_block_and_the_rest_is_seen(text: str, seen: str, values: list[object]) -> None:
    shown, blocks = however_cut(text)
    assert (shown, [block.value for block in blocks]) == (seen, values)
    assert not any(block.fault for block in blocks)


SPELLINGS = [
    "<TOOL_CALL_5f0c91d2>",
    "<tool-call-5f0c91d2>",
    "<tool\\_call\\_5f0c91d2>",
    "<tool_call_5f0c91d2 >",
    '<tool_call_5f0c91d2 id="call_7">',
    "<tool_call_5f0c91d2",
]


@pytest.mark.parametrize("mark", SPELLINGS)
def test_a_mark_may_be_spelled_a_little_differently(mark: str) -> None:
    closing = mark.replace("<", "</", 1)
    assert however_cut(f"A{mark}\n1\n{closing}\nB") == ("A\nB", [Block("\n1\n", 1)])


OTHERS = ["<tool_call_5f0c91d3>", "<tool_call_5F0C91D2>", "<tool_call_5f0c91d>", "<tool_call>", "< tool_call_5f0c91d2>"]


@pytest.mark.parametrize("mark", OTHERS)
def test_another_nonce_makes_no_mark(mark: str) -> None:
    text = f"A{mark}1{mark.replace('<', '</', 1)}B"
    assert however_cut(text) == (text, [])


def test_only_what_may_begin_a_mark_is_held_back() -> None:
    blocks = Blocks(MARKS)
    assert blocks.feed("one <") == ["one "]
    assert blocks.feed("tool_call") == []
    assert blocks.feed("s> two ") == ["<tool_calls> two "]
    assert blocks.feed("x < y") == ["x < y"]
    assert blocks.feed(CALL[:-3]) == []
    assert blocks.feed(CALL[-3:] + "[1") == []
    assert blocks.feed("]" + END) == [Block("[1]", [1])]


@pytest.mark.parametrize("half", ["<", "</", "<t", "<tool", "</tool"])
def test_at_the_end_what_only_looks_like_a_mark_is_text(half: str) -> None:
    assert however_cut(f"a {half}") == (f"a {half}", [])


@pytest.mark.parametrize("length", range(len("<tool_"), len(CALL)))
def test_at_the_end_half_a_mark_is_a_block_that_was_never_written(length: int) -> None:
    assert however_cut(f"a {CALL[:length]}")[0] == "a "
    assert [block.closed for block in however_cut(f"a {CALL[:length]}")[1]] == [False]
    assert however_cut(f"a {END[: length + 1]}") == ("a ", [])


def test_a_block_that_is_no_json_ends_at_its_first_mark() -> None:
    """Its missing quotation mark turns all that follows inside out, up to the next call."""
    text = f'A{CALL}{{"a: 1}}{END}B{CALL}{{"a": 2}}{END}C <'
    seen, blocks = however_cut(text)
    assert seen == "ABC <"
    assert [(bool(block.fault), block.value) for block in blocks] == [(True, None), (False, {"a": 2})]


def test_a_block_that_never_closes_says_so() -> None:
    ((seen, [block]),) = [however_cut(f'A{CALL}{{"a": 1')]
    assert (seen, block.content, block.closed) == ("A", '{"a": 1', False)
    assert "not valid JSON" in block.fault


@pytest.mark.parametrize("before", ["", "A", f"{CALL}1{END}", f"{CALL}1", f"A{CALL}1"])
def test_reading_ends_where_the_model_writes_a_result(before: str) -> None:
    blocks = Blocks(MARKS)
    pieces = [*blocks.feed(f"{before}{RESULT}7 °C</tool_result_5f0c91d2> It is {CALL}2{END}"), *blocks.feed("cold")]
    assert blocks.ended
    assert [*pieces, *blocks.end()] == parsed_pieces(before)


def parsed_pieces(text: str) -> list[Piece]:
    blocks = Blocks(MARKS)
    return [
        piece._replace(closed=True) if isinstance(piece, Block) else piece
        for piece in [*blocks.feed(text), *blocks.end()]
    ]


def test_a_block_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolgrammar, "LARGEST_BLOCK", 100)
    blocks = Blocks(MARKS)
    blocks.feed(CALL + "x" * 100)
    with pytest.raises(UpstreamError) as caught:
        blocks.feed("x")
    assert caught.value.code == "tool_call_invalid"


def test_there_is_an_end_to_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolgrammar, "MOST_MARKS", 10)
    with pytest.raises(UpstreamError):
        parsed([CALL + '"' + END * 11])


def test_a_large_block_in_small_pieces_is_put_together_once() -> None:
    """Every piece is searched as it comes, never the whole block again: this takes an hour otherwise."""
    content = json.dumps({"a": "x" * 900_000})
    text = f"{CALL}{content}{END}"
    seen, [block] = parsed(text[place : place + 3] for place in range(0, len(text), 3))
    assert (seen, block.value) == ("", json.loads(content))


def test_blank_space_without_end_is_not_kept() -> None:
    blocks = Blocks(MARKS)
    assert "".join(piece for _ in range(50) for piece in blocks.feed(" " * 50) if isinstance(piece, str))


READ = [
    ('{"a": 1}', {"a": 1}),
    ('\n ```json\n{"a": 1}\n```\n', {"a": 1}),
    ('```\n{"a": 1}\n```', {"a": 1}),
    ('`{"a": 1}`', {"a": 1}),
    ('{"a": "two\nlines\t"}', {"a": "two\nlines\t"}),
    ('{"a": "```"}', {"a": "```"}),
]


@pytest.mark.parametrize(("content", "value"), READ)
def test_json_is_read_with_what_loses_nothing(content: str, value: object) -> None:
    assert read_json(content) == (value, "")


@pytest.mark.parametrize(
    "content",
    ["", " ", "```json\n```", "{'a': 1}", '{"a": 1} and', '{"a": NaN}', "[" * 100_000, '{"a": 1,}', '{"a": …}'],
)
def test_what_is_no_json_is_not_guessed_at(content: str) -> None:
    value, fault = read_json(content)
    assert (value, bool(fault)) == (None, True)
