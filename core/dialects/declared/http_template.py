"""One HTTP request to come: a template for it, and what its answer is to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from core.chat.errors import Retry, UnknownModel, UpstreamError
from core.chat.requests import Json
from core.dialects import failures
from core.dialects.declared.paths import Path
from core.dialects.declared.template import Template, Values, as_text


class HttpRequest(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    body: Json


@dataclass(frozen=True, slots=True)
class HttpTemplate:
    """One request to come. A header without a value is left out."""

    method: str
    url: Template
    headers: Mapping[str, Template]
    body: Template | None

    def fill(self, values: Values) -> HttpRequest:
        headers = {name: template.fill(values) for name, template in self.headers.items()}
        return HttpRequest(
            method=self.method,
            url=as_text(self.url.fill(lambda name: _in_url(name, values(name)))),
            headers={name: as_text(value) for name, value in headers.items() if value not in {None, ""}},
            body=None if self.body is None else self.body.fill(values) or {},
        )

    @property
    def names(self) -> frozenset[str]:
        """The names of all placeholders in it."""
        templates = [self.url, *self.headers.values(), *([self.body] if self.body else [])]
        return frozenset(name for template in templates for names in template.names() for name in names)


@dataclass(frozen=True, slots=True)
class Step:
    """A request before the last one, for what its answer holds."""

    template: HttpTemplate
    capture: Mapping[str, Path]

    def captured(self, answer: Json) -> dict[str, Json]:
        """What the answer gives. Raises `UpstreamError` where something is not there."""
        found = {name: path.first(answer) for name, path in self.capture.items()}
        if missing := [name for name, value in found.items() if value is None]:
            detail = failures.detail_of_json(answer)
            if detail and detail.message != detail.kind:
                raise failures.from_event(answer)
            raise UpstreamError(
                f"The upstream's answer to {self.template.method} holds no {missing[0]}; its interface has changed.",
                code="upstream_bad_response",
                retry=Retry.OTHER_ROUTE,
            )
        return found


def _in_url(name: str, value: Json) -> Json:
    """A value as a part of a URL. A model's name may hold slashes, but lead nowhere else."""
    if value is None:
        return None
    text = as_text(value)
    if name != "model":
        return quote(text, safe="")
    if {".", ".."} & set(text.split("/")):
        raise UnknownModel(text)
    return quote(text, safe="/:")
