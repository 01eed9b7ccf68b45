"""Fixtures: a fake upstream that speaks OpenAI, one gateway in front of it for all, and fresh ones for rough tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from core.gateway import road
from tests.conformance.gateways import Connected, connected
from tests.conformance.kinds import KINDS, Kind, upstream_of
from tests.conformance.node import Node, running_node
from tests.support.chat_upstream import ChatUpstream


@pytest.fixture(scope="session", autouse=True)
def undisturbed() -> Iterator[None]:
    """No proxy stands between us, and a second attempt does not wait for jitter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(road, "LONGEST_PAUSE", 0.0)
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that is marked with kinds of upstream runs with each of them."""
    if marker := metafunc.definition.get_closest_marker("kinds"):
        metafunc.parametrize("upstream_kind", marker.args, indirect=True, scope="session")


@pytest.fixture(scope="session")
def upstream_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[getattr(request, "param", "openai")]


@pytest.fixture(scope="session")
def fake_upstream(upstream_kind: Kind) -> Iterator[ChatUpstream]:
    with upstream_of(upstream_kind) as running:
        yield running


@pytest.fixture
def upstream(fake_upstream: ChatUpstream) -> ChatUpstream:
    """The upstream, with nothing asked yet and its gate closed."""
    fake_upstream.reset()
    return fake_upstream


@pytest.fixture(scope="session")
def shared_gateway(fake_upstream: ChatUpstream) -> Iterator[Connected]:
    with connected(fake_upstream) as running:
        yield running


@pytest.fixture
def gateway(shared_gateway: Connected, upstream: ChatUpstream) -> Connected:
    """The gateway that all tests share; whoever makes its upstream fail takes `fresh`."""
    return shared_gateway


@pytest.fixture
def fresh(upstream: ChatUpstream) -> Iterator[Connected]:
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
