"""What must not leave, in every place of a text."""

from __future__ import annotations

import pytest

from core.chat.redact import MASK, redact


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abcdefgh12345678",
        "basic dXNlcjpwYXNzd29yZA==",
        "sk-proj-abcdefghijklmnop",
        "sk-ab********wxyz",
        "sk-proj-...wxyz",
        "ghp_abcdefghijklmnopqrst",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "api_key=abc",
        "auth-token=abc",
        "https://internal.example/v1/chat?x=1",
        "http://10.0.0.7:8080",
    ],
)
def test_what_looks_like_a_credential_or_an_address_is_masked(secret: str) -> None:
    assert redact(f"before {secret} after") == f"before {MASK} after"


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for gpt-4o on tokens per min.",
        "the basic idea and the bearer of news",
        "sk-1 is short, task-oriented-programming is no key",
        "`messages[0].content[0].image_url.url` must be an https:// URL or a data:image/ URL.",
        "This model's maximum context length is 8192 tokens; the key = value form is fine.",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    assert redact("xCANARY-1y, CANARY-1!", ["CANARY-1"]) == f"x{MASK}y, {MASK}!"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert redact("secret-of-two", ["secret", "secret-of-two"]) == MASK


def test_a_secret_too_short_to_be_one_would_mask_half_the_text() -> None:
    assert redact("one day", ["one"]) == "one day"
