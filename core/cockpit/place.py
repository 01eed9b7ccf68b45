"""Which platform this instance runs on, as far as its environment tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Place(NamedTuple):
    platform: str
    region: str


_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "AWS_LAMBDA_FUNCTION_NAME": ("aws-lambda", "AWS_REGION"),
    "VERCEL": ("vercel", "VERCEL_REGION"),
    "K_SERVICE": ("google-cloud", "FUNCTION_REGION"),
}


def place(environment: Mapping[str, str]) -> Place:
    """The platform by the variable that only it sets; a plain server where there is none."""
    for sign, (platform, region) in _SIGNS.items():
        if environment.get(sign):
            return Place(platform, environment.get(region, ""))
    return Place("server", "")
