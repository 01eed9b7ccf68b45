"""What a text weighs in tokens, as far as the text alone tells.

About four characters of ASCII make a token; a character of another script (Chinese, Cyrillic, emoji) about three
quarters of one. Good to some ten or twenty percent for English and Chinese. The weight of two texts is the weight of
both together, however they were cut.
"""

from __future__ import annotations

ASCII_PER_TOKEN = 4.0
OTHER_TOKENS = 0.75


def weigh(text: str) -> float:
    """Estimated tokens of `text`, not rounded."""
    if text.isascii():
        return len(text) / ASCII_PER_TOKEN
    others = sum(not char.isascii() for char in text)
    return (len(text) - others) / ASCII_PER_TOKEN + others * OTHER_TOKENS


def beginning(text: str, tokens: float) -> str:
    """As much of `text` as weighs at most `tokens`."""
    if weigh(text) <= tokens:
        return text
    for place, char in enumerate(text):
        tokens -= weigh(char)
        if tokens < 0:
            return text[:place]
    return text
