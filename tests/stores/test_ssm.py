"""Secrets in AWS Systems Manager, asked over the wire as the function asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.ports import SecretStore, WritableSecrets
from core.stores.ssm import Secrets
from core.wire.client import HttpClient
from tests.support.moto import Moto
from tests.support.upstream import Seen, Wire, upstream

CANARY = "canary-4f9a0c7b21d84e6f90ab"


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with aclosing(HttpClient()) as client:
        yield client


@pytest.fixture
def store(aws: Moto, http: HttpClient) -> Secrets:
    return Secrets("ssm:///any2api/", aws.environment, http)


async def test_what_is_stored_is_fetched_and_the_rest_left_out(store):
    secrets: WritableSecrets = store
    await secrets.store("KEY", CANARY)
    await secrets.store("TOKENS", "one\ntwo, drei ключ")
    assert await secrets.fetch(["KEY", "TOKENS", "MISSING"]) == {"KEY": CANARY, "TOKENS": "one\ntwo, drei ключ"}


async def test_nothing_is_there_at_first(store):
    assert await store.fetch(["KEY"]) == {}
    assert await store.fetch([]) == {}
    assert await store.names() == []


async def test_a_secret_is_replaced(store):
    await store.store("KEY", "old")
    await store.store("KEY", "new")
    assert await store.fetch(["KEY"]) == {"KEY": "new"}


async def test_more_names_than_one_call_takes(store):
    names = [f"TOKEN_{number:02}" for number in range(23)]
    for name in names:
        await store.store(name, f"value of {name}")
    assert await store.fetch(names) == {name: f"value of {name}" for name in names}
    assert await store.names() == names


async def test_two_prefixes_know_nothing_of_each_other(aws, http):
    mine = Secrets("ssm:///any2api/", aws.environment, http)
    other = Secrets("ssm:///any2api-test", aws.environment, http)
    await other.store("KEY", "theirs")
    assert await mine.fetch(["KEY"]) == {}
    assert await other.fetch(["KEY"]) == {"KEY": "theirs"}
    assert await mine.names() == []


async def test_values_are_kept_encrypted(store, aws, http):
    await store.store("KEY", CANARY)
    answer = await store._ssm.call("GetParameters", {"Names": ["/any2api/KEY"], "WithDecryption": False})
    (parameter,) = answer["Parameters"]
    assert parameter["Type"] == "SecureString"
    assert parameter["Value"] != CANARY


async def test_a_value_that_is_too_long_is_told_before_anything_is_sent(http):
    store = Secrets("ssm:///any2api/", {}, http)
    with pytest.raises(InvalidRequest, match="up to 4096 characters; secretsmanager:// takes more"):
        await store.store("KEY", "x" * 4097)


@pytest.mark.parametrize("url", ["ssm://", "ssm:///", "ssm:////"])
def test_a_prefix_is_needed(url):
    with pytest.raises(ConfigError, match="environment: SECRETS_URL: needs a prefix"):
        Secrets(url, {}, HttpClient())


async def test_one_call_fetches_up_to_ten(http):
    asked = []

    async def answer(seen: Seen, wire: Wire) -> None:
        asked.append(seen)
        await wire.reply(200, json.dumps({"Parameters": [{"Name": "/p/B", "Value": " 2\n"}], "InvalidParameters": []}))

    async with upstream(answer) as service, aclosing(HttpClient()) as client:
        environment = {"AWS_ENDPOINT_URL": service.url, "AWS_REGION": "x", **keys(session="a-session")}
        assert await Secrets("ssm:///p", environment, client).fetch([*"ABCDEFGHIJ"]) == {"B": "2"}
    (only,) = asked
    assert only.json == {"Names": [f"/p/{name}" for name in "ABCDEFGHIJ"], "WithDecryption": True}
    assert only.headers["x-amz-target"] == "AmazonSSM.GetParameters"
    assert only.headers["x-amz-security-token"] == "a-session"


def keys(session: str = "") -> Mapping[str, str]:
    return {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": session}


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"AWS_REGION": "eu-central-1"}, "There are no AWS credentials: run `aws configure`, or with any other"),
        ({"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID"}, "There are no AWS credentials"),
        (keys(), "No AWS region is set: export AWS_REGION="),
    ],
)
async def test_what_is_missing_is_told_with_what_to_do(http, environment, told):
    store: SecretStore = Secrets("ssm:///any2api/", environment, http)
    with pytest.raises(Unavailable, match=told) as refused:
        await store.fetch(["KEY"])
    assert (refused.value.status, refused.value.code) == (503, "configuration_unavailable")


async def test_nobody_at_home(http):
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "x", **keys()}
    with pytest.raises(Unavailable, match=r"^AWS ssm does not answer at 127\.0\.0\.1:9\.$"):
        await Secrets("ssm:///any2api/", environment, http).fetch(["KEY"])


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            400,
            {
                "__type": "AccessDeniedException",
                "message": f"User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: kms:Decrypt {CANARY}",
            },
            "AWS ssm refused GetParameters: AccessDeniedException; allow kms:Decrypt to the role or user that asks.",
        ),
        (
            400,
            {"__type": "AccessDeniedException"},
            (
                "AWS ssm refused GetParameters: AccessDeniedException; "
                "allow ssm:GetParameters to the role or user that asks."
            ),
        ),
        (
            400,
            {"__type": "ExpiredTokenException", "message": CANARY},
            (
                "AWS ssm refused GetParameters: ExpiredTokenException; "
                "the credentials have expired or are wrong, so sign in again."
            ),
        ),
        (
            400,
            {"__type": "com.amazon.coral.service#ThrottlingException"},
            "AWS ssm refused GetParameters: ThrottlingException.",
        ),
        (500, {}, "AWS ssm refused GetParameters: HTTP 500."),
        (502, "<html>", "What answered GetParameters with HTTP 502 is not AWS ssm."),
        (200, "<html>", "What answered GetParameters with HTTP 200 is not AWS ssm."),
    ],
)
async def test_refusals_name_the_remedy_and_repeat_nothing(http, status, body, told):
    async def answer(_: Seen, wire: Wire) -> None:
        await wire.reply(status, body if isinstance(body, str) else json.dumps(body))

    async with upstream(answer) as service, aclosing(HttpClient()) as client:
        environment = {"AWS_ENDPOINT_URL": service.url, "AWS_REGION": "x", **keys()}
        with pytest.raises(Unavailable) as refused:
            await Secrets("ssm:///any2api/", environment, client).fetch(["KEY"])
    assert str(refused.value) == told
    assert refused.value.code == "configuration_unavailable"


async def test_aws_checks_our_signature_and_our_permissions(aws, http):
    """With users' own keys: the signature is checked first, and then whether a policy allows the call."""
    stranger, reader = aws.user("stranger"), aws.user("reader", "ssm:GetParameters")
    aws.check_permissions()
    assert await Secrets("ssm:///any2api/", reader, http).fetch(["KEY"]) == {}
    with pytest.raises(Unavailable, match="AccessDenied; allow ssm:GetParameters to the role or user"):
        await Secrets("ssm:///any2api/", stranger, http).fetch(["KEY"])
    with pytest.raises(Unavailable, match="AccessDenied; allow ssm:PutParameter"):
        await Secrets("ssm:///any2api/", reader, http).store("KEY", CANARY)
    with pytest.raises(Unavailable, match="SignatureDoesNotMatch; the credentials have expired or are wrong"):
        await Secrets("ssm:///any2api/", {**reader, "AWS_SECRET_ACCESS_KEY": "wrong"}, http).fetch(["KEY"])
