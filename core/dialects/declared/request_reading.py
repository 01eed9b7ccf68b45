"""Reads the description of a request from its table, and refuses one that would lose what the caller says."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from core.chat.options import Options
from core.chat.ports import SECRET_SCHEME
from core.chat.requests import Json
from core.dialects.declared.conversation import HISTORIES, SYSTEMS
from core.dialects.declared.forms.registry import FORMS
from core.dialects.declared.http_template import HttpTemplate, Step
from core.dialects.declared.request import OUTSIDE, PLACEHOLDERS, Request
from core.dialects.declared.tables import address, choice, each, path_of
from core.dialects.declared.template import compile_template

IMAGES = ("none", "parts", "field")
METHODS = ("POST", "GET", "PUT", "PATCH")


def read_request(options: Options) -> Request:
    """The description in a table. Raises `ConfigError` naming the key that is wrong."""
    form = FORMS[choice(options, "form", FORMS, "openai")]
    variables = _variables(options)
    captured: set[str] = set()
    steps = []
    for step in each(options, "steps"):
        steps.append(_step(step, variables.keys(), captured))
        captured |= steps[-1].capture.keys()
    chat = _http(options, variables.keys(), captured)
    request = Request(
        chat=chat,
        steps=tuple(steps),
        names=chat.names.union(*(step.template.names for step in steps)),
        form=form,
        history=choice(options, "history", HISTORIES, HISTORIES[0]),
        system=choice(options, "system", SYSTEMS, SYSTEMS[0] if form.system else SYSTEMS[-1]),
        images=choice(options, "images", IMAGES, IMAGES[0]),
        variables=variables,
    )
    options.done()
    _check(options, request)
    return request


def _variables(options: Options) -> dict[str, Json]:
    variables = options.mapping("variables")
    for name, value in variables.items():
        if not isinstance(value, str | int | float | bool):
            raise options.error(f"variables.{name}", "must be a string, a number, true or false")
    return variables


def read_http(options: Options) -> HttpTemplate:
    """A request that belongs to no conversation."""
    template = _http(options, (), ())
    if strange := sorted(name for name in template.names if name in PLACEHOLDERS):
        raise options.error("", f"{{{strange[0]}}} has no meaning here, where there is no conversation")
    return template


def _step(options: Options, variables: Collection[str], captured: Collection[str]) -> Step:
    template = _http(options, variables, captured)
    capture = options.options("capture")
    step = Step(template, {name: path_of(capture, name) for name in options.texts("capture")})
    options.done()
    return step


def _http(options: Options, variables: Collection[str], captured: Collection[str]) -> HttpTemplate:
    url = address(options, "url")
    headers = options.texts("headers")
    body = options.raw("body")
    if not isinstance(body, dict | list | None):
        raise options.error("body", "must be a table or a list")
    for key, value in (("url", url), ("headers", headers), ("body", body)):
        _check_names(options, key, value, variables, captured)
    return HttpTemplate(
        method=choice(options, "method", METHODS, "GET" if body is None else "POST"),
        url=compile_template(url),
        headers={name: compile_template(value) for name, value in headers.items()},
        body=None if body is None else compile_template(body),
    )


def _check_names(
    options: Options, key: str, value: Json, variables: Collection[str], captured: Collection[str]
) -> None:
    for path, text in _strings(value, key):
        for alternatives in compile_template(text).names():
            for name in alternatives:
                if problem := _problem(name, variables, captured, is_only=len(alternatives) == 1):
                    raise options.error(path, problem)


def _problem(name: str, variables: Collection[str], captured: Collection[str], *, is_only: bool) -> str:
    """What is wrong with a placeholder of this name; empty if nothing is."""
    group, _, key = name.partition(".")
    if name in PLACEHOLDERS or name in OUTSIDE or group == "parameters" or name.startswith(SECRET_SCHEME):
        return ""
    if group == "variables" and key:
        return f"{{{name}}} has no value; set it under variables" if is_only and key not in variables else ""
    if group == "captured" and key:
        return "" if key in captured else f"no step before captures {key}"
    known = ", ".join([*PLACEHOLDERS, *OUTSIDE, "parameters.NAME", "variables.NAME", "captured.NAME"])
    return f"there is no placeholder {{{name}}}; there are {known}"


def _strings(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """All strings in `value` with the dotted path to each."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _strings(item, f"{path}.{place}")


def _check(options: Options, request: Request) -> None:
    names = request.names
    if not names & {"message", "messages", "last"}:
        raise options.error("body", "carries nothing of the conversation; it needs {messages}, {message} or {last}")
    if request.system == "field" and "system" not in names:
        raise options.error("system", "is 'field', but {system} stands nowhere: the system prompt would be lost")
    if request.system == "message" and "messages" in names and not request.form.system:
        raise options.error("system", "cannot be 'message' here: this form has no system messages")
    if request.images == "field" and "images" not in names:
        raise options.error("images", "is 'field', but {images} stands nowhere")
    if request.images == "parts" and "messages" not in names:
        raise options.error("images", "is 'parts', but {messages} stands nowhere")
    if "tools" in names and request.form.tools is None:
        raise options.error("body", "holds {tools}, but this form has no tools")
