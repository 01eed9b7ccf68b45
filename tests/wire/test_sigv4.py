"""Our signature against botocore's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from core.wire.sigv4 import Credentials, signed_headers


@pytest.mark.parametrize("session_token", ["", "a-session-token"])
@pytest.mark.parametrize("url", ["https://ssm.eu-central-1.amazonaws.com/", "http://127.0.0.1:5000"])
def test_the_signature_is_botocores(session_token: str, url: str) -> None:
    body = '{"Names":["/any2api/ключ"]}'.encode()
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/x-amz-json-1.1"})
    request.headers["X-Amz-Target"] = "AmazonSSM.GetParameters"
    SigV4Auth(BotoCredentials("AKID", "secret", session_token or None), "ssm", "eu-central-1").add_auth(request)
    now = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    headers = signed_headers(
        url,
        body,
        target="AmazonSSM.GetParameters",
        service="ssm",
        region="eu-central-1",
        credentials=Credentials("AKID", "secret", session_token),
        now=now,
    )

    assert headers["authorization"] == request.headers["Authorization"]


def test_credentials_do_not_show_their_secrets() -> None:
    assert "hidden" not in repr(Credentials("AKID", "hidden", "hidden"))
