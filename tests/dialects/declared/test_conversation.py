"""Which turns go to an upstream, and how its system prompt travels."""

from __future__ import annotations

import pytest

from core.chat.requests import Image, Message, Text
from core.dialects.declared import conversation
from core.dialects.declared.conversation import arranged, folded, image_urls, last_user_text, system_text, text_only

SYSTEM, HI, HELLO, AGAIN = (
    Message("system", "Be brief."),
    Message("user", "Hi"),
    Message("assistant", "Hello."),
    Message("user", "Again"),
)
TURNS = (SYSTEM, HI, HELLO, AGAIN)
PICTURE = Image("https://x.example/a.png")
WITH_PICTURE = Message("user", (Text("Look"), PICTURE))


@pytest.mark.parametrize(
    ("history", "system", "turns"),
    [
        ("full", "message", TURNS),
        ("folded", "message", TURNS),
        ("last", "message", (SYSTEM, AGAIN)),
        ("full", "field", (HI, HELLO, AGAIN)),
        ("last", "field", (AGAIN,)),
        ("full", "first_user", (Message("user", "Be brief.\n\nHi"), HELLO, AGAIN)),
    ],
)
def test_turns(history: str, system: str, turns: tuple[Message, ...]) -> None:
    assert arranged(TURNS, history, system) == turns


def test_the_names_of_the_ways() -> None:
    assert conversation.HISTORIES == ("full", "folded", "last")
    assert conversation.SYSTEMS == ("message", "field", "first_user")


def test_the_system_prompt_goes_before_pictures_and_without_a_user_alone() -> None:
    assert arranged((SYSTEM, WITH_PICTURE), "full", "first_user") == (
        Message("user", (Text("Be brief.\n\n"), Text("Look"), PICTURE)),
    )
    assert arranged((SYSTEM, HELLO), "full", "first_user") == (Message("user", "Be brief."), HELLO)
    assert arranged((HI,), "full", "first_user") == (HI,)


def test_a_folded_conversation_is_one_turn_with_its_pictures() -> None:
    assert folded((HI,)) == HI
    assert folded(TURNS).content == "[system]\nBe brief.\n\n[user]\nHi\n\n[assistant]\nHello.\n\n[user]\nAgain"
    assert folded((HELLO, WITH_PICTURE)).content == (Text("[assistant]\nHello.\n\n[user]\nLook"), PICTURE)


def test_texts_and_pictures() -> None:
    assert system_text((SYSTEM, HI, Message("system", "In Latin."))) == "Be brief.\n\nIn Latin."
    assert last_user_text(TURNS) == "Again"
    assert last_user_text((HELLO,)) == ""
    assert image_urls((HI, WITH_PICTURE)) == ["https://x.example/a.png"]
    assert text_only(WITH_PICTURE) == Message("user", "Look")
    assert text_only(Message("assistant", None)).content is None
