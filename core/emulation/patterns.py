"""Regular expressions of somebody else's making, in JavaScript's syntax, in time that cannot explode.

Python's own engine backtracks: `^(a+)+$` keeps it busy for years, and nothing can stop it. Here every part of a pattern
takes the set of all places where it may begin and gives the set of all places where it may end, so that no place is
ever tried twice. A pattern with parts that cannot be had this way (references back, lookbehind, `\\p{…}`) is told apart
and not guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypeAlias

LONGEST = 1000
DEEPEST = 30
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_HEX_DIGITS: Final = {"x": 2, "u": 4}
_BREAKS = "\n\r\u2028\u2029"
_BLANKS = frozenset(" \t\v\f\u00a0\u1680\u202f\u205f\u3000\ufeff" + _BREAKS + "".join(map(chr, range(0x2000, 0x200B))))
_SIGNS = frozenset("^$\\.*+?()[]{}|/-")
"""What a backslash may stand before; before a letter that means nothing it is a mistake, or beyond us."""


class Subject(NamedTuple):
    """A text to be searched. `spend` is told of each step, and may raise when there were too many."""

    text: str
    spend: Callable[[int], None]


Places: TypeAlias = AbstractSet[int]
Part: TypeAlias = Callable[[Subject, Places], Places]
"""From where a part of a pattern may begin to where it may end."""

Fits: TypeAlias = Callable[[str], bool]


class UnknownSyntax(ValueError):
    """A pattern that is wrong, or more than this."""


def search(pattern: str, subject: Subject) -> bool:
    """Whether `pattern` is found anywhere in the text. Raises `UnknownSyntax`."""
    if len(pattern) > LONGEST:
        raise UnknownSyntax("too long")
    part = _Parser(pattern).parsed()
    subject.spend(len(subject.text))
    return bool(part(subject, frozenset(range(len(subject.text) + 1))))


def _one(fits: Fits) -> Part:
    def run(subject: Subject, places: Places) -> Places:
        subject.spend(len(places))
        text = subject.text
        return {place + 1 for place in places if place < len(text) and fits(text[place])}

    return run


def _where(holds: Callable[[str, int], bool]) -> Part:
    """A condition on the place itself."""

    def run(subject: Subject, places: Places) -> Places:
        subject.spend(len(places))
        return {place for place in places if holds(subject.text, place)}

    return run


def _ahead(part: Part, wanted: bool) -> Part:
    def run(subject: Subject, places: Places) -> Places:
        return {place for place in places if bool(part(subject, {place})) is wanted}

    return run


def _sequence(parts: Sequence[Part]) -> Part:
    def run(subject: Subject, places: Places) -> Places:
        for part in parts:
            if not places:
                break
            places = part(subject, places)
        return places

    return run


def _either(parts: Sequence[Part]) -> Part:
    def run(subject: Subject, places: Places) -> Places:
        return frozenset().union(*(part(subject, places) for part in parts))

    return run


def _repeated(part: Part, least: int, most: int | None) -> Part:
    """The set grows at each round or stays as it is, and then for good: neither loop is longer than the text."""

    def run(subject: Subject, places: Places) -> Places:
        for _ in range(least):
            before, places = places, part(subject, places)
            if not places or places == before:
                break
        reached, latest, rounds = places, places, least
        while latest and (most is None or rounds < most):
            latest = part(subject, latest) - reached
            reached = reached | latest
            rounds += 1
        return reached

    return run


def _at_edge(text: str, place: int) -> bool:
    before = place > 0 and _is_word(text[place - 1])
    return before is not (place < len(text) and _is_word(text[place]))


def _is_word(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())


def _is_digit(char: str) -> bool:
    return char in "0123456789"


def _not(fits: Fits) -> Fits:
    return lambda char: not fits(char)


_QUANTIFIERS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ATOMS: Final = {
    "^": _where(lambda _, place: place == 0),
    "$": _where(lambda text, place: place == len(text)),
    ".": _one(lambda char: char not in _BREAKS),
}
_EDGES: Final = {"b": _where(_at_edge), "B": _where(lambda text, place: not _at_edge(text, place))}
_CLASSES: Final[dict[str, Fits]] = {
    "d": _is_digit,
    "D": _not(_is_digit),
    "w": _is_word,
    "W": _not(_is_word),
    "s": _BLANKS.__contains__,
    "S": _not(_BLANKS.__contains__),
}


class _Parser:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._rest = pattern
        self._depth = 0

    def parsed(self) -> Part:
        part = self._alternatives()
        if self._rest:
            raise UnknownSyntax("unbalanced parenthesis")
        return part

    def _alternatives(self) -> Part:
        parts = [self._terms()]
        while self._take("|"):
            parts.append(self._terms())
        return parts[0] if len(parts) == 1 else _either(parts)

    def _terms(self) -> Part:
        parts = []
        while self._rest and self._rest[0] not in "|)":
            if self._counted() is not None:
                raise UnknownSyntax("nothing to repeat")
            parts.append(self._quantified(self._atom()))
        return _sequence(parts)

    def _quantified(self, part: Part) -> Part:
        counts = _QUANTIFIERS.get(self._rest[:1])
        if counts is not None:
            self._next()
        elif (counts := self._counted()) is None:
            return part
        self._take("?")  # lazy or not, what can match is the same
        return _repeated(part, *counts)

    def _counted(self) -> tuple[int, int | None] | None:
        """`{2}`, `{2,}` or `{2,5}`; None where a brace is only a brace."""
        inside, closed, rest = self._rest.removeprefix("{").partition("}")
        least, comma, most = inside.partition(",")
        if not self._rest.startswith("{") or not closed or not _is_count(least) or (most and not _is_count(most)):
            return None
        self._rest = rest
        return int(least), int(most) if most else None if comma else int(least)

    def _atom(self) -> Part:
        char = self._next()
        if char in _ATOMS:
            return _ATOMS[char]
        if char == "(":
            return self._group()
        if char == "[":
            return _one(self._set())
        if char in _QUANTIFIERS:
            raise UnknownSyntax("nothing to repeat")
        if char != "\\":
            return _one(char.__eq__)
        return _EDGES[self._next()] if self._rest[:1] in _EDGES else _one(self._escape())

    def _group(self) -> Part:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnknownSyntax("nested too deeply")
        look = "=" if self._take("?=") else "!" if self._take("?!") else ""
        if not look:
            self._skip_kind()
        part = self._alternatives()
        if not self._take(")"):
            raise UnknownSyntax("unbalanced parenthesis")
        self._depth -= 1
        return _ahead(part, look == "=") if look else part

    def _skip_kind(self) -> None:
        """Whether and under which name a group is remembered is nothing to us."""
        if self._rest.startswith("?<") and self._rest[2:3] not in {"=", "!"}:
            self._rest = self._rest.partition(">")[2]
        elif not self._take("?:") and self._rest.startswith("?"):
            raise UnknownSyntax("unknown kind of group")

    def _set(self) -> Fits:
        negated = self._take("^")
        members: list[Fits] = []
        while not self._take("]"):
            low = self._member()
            if isinstance(low, str) and self._rest[:1] == "-" and self._rest[1:2] not in {"]", ""}:
                self._next()
                high = self._member()
                if not isinstance(high, str) or high < low:
                    raise UnknownSyntax("bad range")
                members.append(_between(low, high))
            else:
                members.append(low.__eq__ if isinstance(low, str) else low)
        return _not(_any_of(members)) if negated else _any_of(members)

    def _member(self) -> str | Fits:
        char = self._next()
        if char != "\\":
            return char
        if self._take("b"):
            return "\b"
        return self._escaped()

    def _escape(self) -> Fits:
        escaped = self._escaped()
        return escaped.__eq__ if isinstance(escaped, str) else escaped

    def _escaped(self) -> str | Fits:
        """What follows a backslash: a character, or a class of them."""
        char = self._next()
        if char in _CLASSES:
            return _CLASSES[char]
        if digits := _HEX_DIGITS.get(char):
            code, self._rest = self._rest[:digits], self._rest[digits:]
            if len(code) < digits or not all(digit in "0123456789abcdefABCDEF" for digit in code):
                raise UnknownSyntax("bad escape")
            return chr(int(code, 16))
        if char in _ESCAPES and not (char == "0" and _is_count(self._rest[:1])):
            return _ESCAPES[char]
        if char in _SIGNS or not (char.isalnum() or char == "_"):
            return char
        raise UnknownSyntax("unknown escape")

    def _next(self) -> str:
        if not self._rest:
            raise UnknownSyntax("it ends too early")
        char, self._rest = self._rest[0], self._rest[1:]
        return char

    def _take(self, expected: str) -> bool:
        if not self._rest.startswith(expected):
            return False
        self._rest = self._rest[len(expected) :]
        return True


def _between(low: str, high: str) -> Fits:
    return lambda char: low <= char <= high


def _any_of(members: Iterable[Fits]) -> Fits:
    return lambda char: any(fits(char) for fits in members)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
