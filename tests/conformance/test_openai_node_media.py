"""The official JavaScript client asks for vectors, pictures, sounds, transcripts and films."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial

import pytest

from tests.conformance.gateways import Connected
from tests.conformance.media import studio
from tests.conformance.node import Node
from tests.conformance.test_openai_node import Play
from tests.support.openai_media import FILM, HEARD, PICTURE, OpenAIMedia, sound, vector
from tests.support.openai_parameters import body_of


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Connected, OpenAIMedia]]:
    with studio() as running:
        yield running


@pytest.fixture
def play(node: Node, running: tuple[Connected, OpenAIMedia]) -> Play:
    """What a scenario finds out."""
    return partial(node.run, running[0], "media")


def test_embeddings(play: Play) -> None:
    """It asks for base64 unless it is told not to, and unpacks it itself."""
    assert play("embeddings", "two words") == {"asked": vector("two words"), "digits": vector("two words"), "tokens": 2}


def test_a_picture(play: Play) -> None:
    assert base64.b64decode(play("picture")) == PICTURE


def test_speech(play: Play) -> None:
    assert base64.b64decode(play("speech", "hello")) == sound("hello")


def test_transcripts(play: Play) -> None:
    assert play("transcripts") == {"json": HEARD, "text": HEARD}


def test_a_film(play: Play, running: tuple[Connected, OpenAIMedia]) -> None:
    told = play("film", picture=base64.b64encode(PICTURE).decode())

    assert told["states"] == ["in_progress", "completed"]
    assert base64.b64decode(told["film"]) == FILM
    begun = next(body_of(seen) for seen in running[1].asked if seen.method == "POST" and seen.path == "/v1/videos")
    assert (begun["seconds"], begun["input_reference"].content) == ("8", PICTURE)
