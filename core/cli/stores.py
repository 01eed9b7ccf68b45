"""The secret store as seen from a laptop: with the credentials that its owner has for the clouds' own command lines."""

from __future__ import annotations

import asyncio
import configparser
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from core.app import load_store
from core.chat.ports import SecretStore
from core.wire.client import HttpClient

_CREDENTIALS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
_FOR_GOOGLE = ("CLOUDSDK_AUTH_ACCESS_TOKEN", "GCE_METADATA_HOST")
"""A token, or where to ask for one."""


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SecretStore]:
    """The store at `url`, with connections of its own."""
    environment = variables()
    if url.startswith("gcp-secret-manager:") and not any(map(environment.get, _FOR_GOOGLE)):
        environment = {**environment, "CLOUDSDK_AUTH_ACCESS_TOKEN": await _gcloud_token()}
    async with aclosing(HttpClient()) as http:
        yield load_store(url, environment, http)


def variables(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """The environment, and where it names no AWS credentials or region, those of the profile."""
    has_keys = environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY")
    has_region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    found = {} if has_keys else dict(_credentials(environment))
    if not has_region and (region := _setting(environment, "AWS_CONFIG_FILE", "config").get("region")):
        found["AWS_REGION"] = region
    return {**environment, **found} if found else environment


async def _gcloud_token() -> str:
    """An access token of whoever is signed in to gcloud. Empty where nobody is; then the store says what it lacks."""
    command = ("gcloud", "auth", "print-access-token")
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return ""
    out, _ = await process.communicate()
    return out.decode().strip()


def _credentials(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    profile = _setting(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    if all(profile.get(key) for key in ("aws_access_key_id", "aws_secret_access_key")):
        for key, variable in _CREDENTIALS.items():
            yield variable, profile.get(key, "")


def _setting(environment: Mapping[str, str], variable: str, file: str) -> Mapping[str, str]:
    """The profile's section in one of AWS's two files; empty where there is none."""
    name = environment.get("AWS_PROFILE") or "default"
    path = environment.get(variable) or str(Path("~/.aws", file).expanduser())
    sections = configparser.RawConfigParser()
    try:
        sections.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):  # then the store says what it lacks
        return {}
    named = name if file == "credentials" or name == "default" else f"profile {name}"
    return sections[named] if sections.has_section(named) else {}
