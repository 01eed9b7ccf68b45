from collections.abc import Iterator

import pytest

from tests.support.moto import Moto, moto


@pytest.fixture(scope="session")
def account() -> Iterator[Moto]:
    with moto() as account:
        yield account


@pytest.fixture
def aws(account: Moto) -> Moto:
    """An empty AWS account."""
    account.reset()
    return account
