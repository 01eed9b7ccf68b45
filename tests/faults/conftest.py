from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from core.gateway import road
from tests.faults.media_kinds import MAKERS, Fault, well
from tests.faults.stage import House, Stage, set_stage
from tests.support.bounds import bounded
from tests.support.gateway import Served, serving

__all__ = ["bounded"]


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second attempt does not wait for jitter."""
    monkeypatch.setattr(road, "LONGEST_PAUSE", 0.0)


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    """Each such test runs for a whole answer and for a stream."""
    return bool(request.param)


@pytest.fixture(scope="session")
def house() -> Iterator[tuple[House, Served]]:
    house = House()
    with serving(house) as served:
        logging.getLogger("uvicorn.access").disabled = True  # pytest would switch it on by listening to it
        yield house, served
        logging.getLogger("uvicorn.access").disabled = False


@pytest.fixture
def stage(house: tuple[House, Served]) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """Sets up upstreams and a gateway before them: `async with stage(script) as here`."""
    return partial(set_stage, *house)


@pytest.fixture
def cast(stage: Callable[..., AbstractAsyncContextManager[Stage]]) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """The stage for a cell of the matrix of what is no chat: `async with cast(operation, kind, fault) as here`."""

    def cast(name: str, kind: str, fault: Fault = well, **settings: Any) -> AbstractAsyncContextManager[Stage]:
        maker = MAKERS[kind]
        models = {"m": maker.models.get(name, "m")}
        options = {"provider": maker.provider, "models": models, "private_addresses": True, **settings}
        return stage(maker.script(name, fault), **options)

    return cast
