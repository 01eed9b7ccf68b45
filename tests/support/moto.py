"""AWS on a loopback port: moto's server in a thread of this process, so that a test can also look at what it holds."""

from __future__ import annotations

import json
import logging
import math
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from moto.backends import get_backend
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
REGION = "eu-central-1"


class Moto:
    """`environment` is what a function, a command line or Terraform needs in order to find it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def reset(self) -> None:
        """An empty account, in which everybody may do everything."""
        self._post("reset")
        self.check_permissions(after=math.inf)

    def check_permissions(self, *, after: float = 0) -> None:
        """From now on, or after some more calls, signatures and policies count."""
        self._post("reset-auth", str(after))

    def user(self, name: str, *actions: str) -> dict[str, str]:
        """The environment of a new user who may do only these actions."""
        iam = get_backend("iam")[ACCOUNT]["aws"]
        iam.create_user("us-east-1", name)
        if actions:
            allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            iam.put_user_policy(name, "allowed", json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
        key = iam.create_access_key(name)
        return {
            **self.environment,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        }

    def _post(self, path: str, body: str = "") -> None:
        plain = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/{path}", body.encode(), plain, method="POST")
        with urllib.request.urlopen(request) as answer:
            json.load(answer)


@contextmanager
def moto() -> Iterator[Moto]:
    """An empty account until the end of the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    account = Moto(f"http://{host}:{port}")
    account.reset()
    try:
        yield account
    finally:
        server.stop()
        assert server._server is not None
        server._server.server_close()
