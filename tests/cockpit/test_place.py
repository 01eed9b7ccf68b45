"""Which platform an environment belongs to."""

from __future__ import annotations

import pytest

from core.cockpit.place import place


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("server", "")),
        ({"AWS_REGION": "eu-west-1"}, ("server", "")),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_REGION": "eu-west-1"}, ("aws-lambda", "eu-west-1")),
        ({"VERCEL": "1", "VERCEL_REGION": "fra1", "AWS_REGION": "eu-central-1"}, ("vercel", "fra1")),
        ({"K_SERVICE": "f"}, ("google-cloud", "")),
    ],
)
def test_place(environment: dict[str, str], expected: tuple[str, str]) -> None:
    assert place(environment) == expected
