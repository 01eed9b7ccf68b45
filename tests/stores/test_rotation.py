"""The gateway with its secrets in AWS: changed while it runs, and when AWS does not answer."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager

import httpx
import pytest

from core.chat.settings import read_settings
from core.stores.ssm import Secrets
from core.wire.client import HttpClient
from tests.support.gateway import running
from tests.support.loops import LoopThread
from tests.support.moto import Moto
from tests.support.upstream import Seen, Upstream, Wire, upstream

KEY = "callers-key-91c5e02d7f3b4a68"
ANSWER = '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}'
HOUR = 3600.0


class Service:
    """An upstream that takes some tokens and refuses all others."""

    def __init__(self) -> None:
        self.valid: Sequence[str] = ()
        self.state = Upstream("")

    async def answer(self, seen: Seen, wire: Wire) -> None:
        token = seen.headers["authorization"].removeprefix("Bearer ")
        if token in self.valid:
            await wire.reply(200, ANSWER)
        else:
            await wire.reply(401, '{"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}')

    @property
    def tokens(self) -> list[str]:
        """What it was shown, in order."""
        return [seen.headers["authorization"].removeprefix("Bearer ") for seen in self.state.seen]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with LoopThread() as thread:
        service.state = thread.enter(upstream(service.answer))
        yield service


def put(aws: Moto, **values: str) -> None:
    async def write() -> None:
        async with aclosing(HttpClient()) as http:
            store = Secrets("ssm:///any2api/", aws.environment, http)
            for name, value in values.items():
                await store.store(name, value)

    asyncio.run(write())


@contextmanager
def gateway(aws: Moto, service: Service, ttl: float) -> Iterator[str]:
    document = tomllib.loads(f"""
        [gateway]
        secrets_ttl = {ttl}
        [providers.up]
        kind = "openai"
        base_url = "{service.state.url}"
        tokens = "secret://TOKENS"
        models = ["m"]
    """)
    with running(read_settings(document, secrets_url="ssm:///any2api/"), aws.environment) as url:
        yield url


def ask(url: str, key: str = KEY) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30, trust_env=False)


def told(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.name == "any2api" and line.levelname == "ERROR"]


def test_a_rotated_token_is_found_at_the_first_refusal(aws, service):
    put(aws, API_MASTER_KEY=KEY, TOKENS="old")
    service.valid = ["old"]
    with gateway(aws, service, ttl=HOUR) as url:
        assert ask(url).status_code == 200
        put(aws, TOKENS="new")
        assert ask(url).status_code == 200  # the copy is still good for an hour
        service.valid = ["new"]
        assert ask(url).status_code == 200
        assert ask(url).status_code == 200
    assert service.tokens == ["old", "old", "old", "new", "new"]


def test_both_keys_open_during_the_overlap(aws, service):
    put(aws, API_MASTER_KEY=KEY, TOKENS="t")
    service.valid = ["t"]
    new = KEY[::-1]
    with gateway(aws, service, ttl=0.0) as url:
        assert [ask(url, key).status_code for key in (KEY, new)] == [200, 401]
        put(aws, API_MASTER_KEY=f"{new},{KEY}")
        assert [ask(url, key).status_code for key in (KEY, new)] == [200, 200]


def test_the_last_copy_serves_while_aws_refuses(aws, service, caplog):
    put(aws, API_MASTER_KEY=KEY, TOKENS="t")
    service.valid = ["t"]
    with gateway(aws, service, ttl=0.0) as url:
        assert ask(url).status_code == 200
        aws.check_permissions()  # nobody has any: every call is refused from now on
        assert ask(url).status_code == 200
        warned = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
        assert warned[-1].startswith("AWS ssm refused GetParameters: ")
        assert warned[-1].endswith(" The last copy of the secrets stays in use.")
        aws.reset()
        assert told(ask(url)) == (503, "configuration_unavailable", "No key is configured: set API_MASTER_KEY.")


def test_without_a_copy_answer_and_log_say_what_is_wrong(aws, service, caplog):
    put(aws, API_MASTER_KEY=KEY, TOKENS="t")
    service.valid = ["t"]
    stranger = Moto(aws.url)
    stranger.environment = aws.user("stranger")
    aws.check_permissions()
    with gateway(stranger, service, ttl=HOUR) as url:
        why = "AWS ssm refused GetParameters: AccessDenied; allow ssm:GetParameters to the role or user that asks."
        assert told(ask(url)) == (503, "configuration_unavailable", why)
        assert errors(caplog) == [why]
        aws.check_permissions(after=1000)
        assert ask(url).status_code == 200  # the next request asks again
    assert service.tokens == ["t"]


def test_a_missing_secret_is_named(aws, service, caplog):
    put(aws, API_MASTER_KEY=KEY)
    with gateway(aws, service, ttl=HOUR) as url:
        assert told(ask(url)) == (503, "configuration_unavailable", "The secret TOKENS is not set.")
    assert errors(caplog) == ["The secret TOKENS is not set."]
