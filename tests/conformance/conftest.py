"""Fixtures: a fake upstream that speaks OpenAI, one gateway in front of it for all, and fresh ones for rough tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from core.gateway import road
from tests.conformance.gateways import Connected, connected
from tests.conformance.node import Node, running_node
from tests.support.openai_models import ALL
from tests.support.openai_upstream import OpenAIUpstream, openai_upstream


@pytest.fixture(scope="session", autouse=True)
def undisturbed() -> Iterator[None]:
    """No proxy stands between us, and a second attempt does not wait for jitter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(road, "LONGEST_PAUSE", 0.0)
        yield


@pytest.fixture(scope="session")
def fake_upstream() -> Iterator[OpenAIUpstream]:
    with openai_upstream(ALL) as running:
        yield running


@pytest.fixture
def upstream(fake_upstream: OpenAIUpstream) -> OpenAIUpstream:
    """The upstream, with nothing asked yet and its gate closed."""
    fake_upstream.reset()
    return fake_upstream


@pytest.fixture(scope="session")
def shared_gateway(fake_upstream: OpenAIUpstream) -> Iterator[Connected]:
    with connected(fake_upstream) as running:
        yield running


@pytest.fixture
def gateway(shared_gateway: Connected, upstream: OpenAIUpstream) -> Connected:
    """The gateway that all tests share; whoever makes its upstream fail takes `fresh`."""
    return shared_gateway


@pytest.fixture
def fresh(upstream: OpenAIUpstream) -> Iterator[Connected]:
    """A gateway that no other test sees: its tokens may be spent, its upstream benched."""
    with connected(upstream) as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    yield from running_node()


class _Alarm(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.raised: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.raised.append(self.format(record))


@pytest.fixture(autouse=True)
def alarms() -> Iterator[list[str]]:
    """Whatever a client or an upstream does, neither the server nor the event loop has an error to report.

    A test that expects one takes it out.
    """
    alarm = _Alarm()
    loggers = [logging.getLogger(name) for name in ("any2api", "uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addHandler(alarm)
    yield alarm.raised
    for logger in loggers:
        logger.removeHandler(alarm)
    assert alarm.raised == []
