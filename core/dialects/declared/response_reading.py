"""Reads the description of an answer from its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from core.chat.events import FinishReason
from core.chat.options import Options
from core.dialects.declared.errors import ErrorRule
from core.dialects.declared.framings import FRAMINGS, NEVER_JSON, WHOLE_AT_EOF
from core.dialects.declared.paths import WHOLE, Path, compile_path, split_outside
from core.dialects.declared.payloads import DECODES
from core.dialects.declared.response import (
    REASONS,
    CallRule,
    End,
    FinishRule,
    ImageRule,
    Response,
    Rule,
    TextRule,
    UsageRules,
)
from core.dialects.declared.tables import choice, each, optional_path, path_of

EVENT_NAME = "@event"
KEYS = (
    *("framing", "decode", "ignore", "discriminator", "payload", "text", "text_final", "replace", "reasoning"),
    *("refusal", "images", "tool_calls", "finish", "finish_map", "usage", "end", "error", "error_map"),
)


def read_response(options: Options) -> Response:
    """The description in a table. Raises `ConfigError` naming the key that is wrong."""
    response = _read(options)
    own = options.mapping("json_answer")
    options.done()
    if response.framing not in NEVER_JSON | {"raw_text"}:
        return response
    inherited = {key: options.raw(key) for key in KEYS if key in options}
    answer = Options(f"{options.path}.json_answer", {**inherited, "framing": "json_concat", "decode": "json", **own})
    json_answer = _read(answer)
    answer.done()
    return replace(response, json_answer=json_answer)


def _read(options: Options) -> Response:
    framing = choice(options, "framing", FRAMINGS, "sse")
    return Response(
        framing=framing,
        decode=choice(options, "decode", DECODES, "raw" if framing == "raw_text" else "json"),
        ignore=frozenset(options.strings("ignore")),
        discriminator=tuple(_discriminator(options)),
        payload=optional_path(options, "payload") or WHOLE,
        text=_texts(options, "text"),
        text_final=_texts(options, "text_final"),
        replace=_texts(options, "replace"),
        reasoning=_texts(options, "reasoning"),
        refusal=_texts(options, "refusal"),
        images=tuple(_image(rule) for rule in each(options, "images")),
        tool_calls=tuple(_call(rule) for rule in each(options, "tool_calls")),
        finish=tuple(_finish(rule) for rule in each(options, "finish")),
        finish_map=_finish_map(options.options("finish_map"), options.texts("finish_map")),
        usage=_usage(options.options("usage")),
        end=_end(options.options("end"), framing),
        error=_rules(options, "error"),
        error_map=tuple(_error(rule) for rule in each(options, "error_map")),
    )


def _discriminator(options: Options) -> Iterator[Path | None]:
    if options.raw("discriminator") is None:
        return
    for part in split_outside(options.text("discriminator"), "|"):
        try:
            yield None if part.strip() == EVENT_NAME else compile_path(part)
        except ValueError as error:
            raise options.error("discriminator", str(error)) from None


def _on(options: Options) -> frozenset[str]:
    return frozenset(options.strings("on"))


def _rules(options: Options, key: str) -> tuple[Rule, ...]:
    return tuple(_rule(rule) for rule in each(options, key))


def _rule(options: Options) -> Rule:
    rule = Rule(path_of(options, "path"), _on(options))
    options.done()
    return rule


def _texts(options: Options, key: str) -> tuple[TextRule, ...]:
    return tuple(_text(rule) for rule in each(options, key))


def _text(options: Options) -> TextRule:
    rule = TextRule(path_of(options, "path"), _on(options), cumulative=options.flag("cumulative", False))
    options.done()
    return rule


def _image(options: Options) -> ImageRule:
    rule = ImageRule(
        path_of(options, "path"),
        _on(options),
        data=optional_path(options, "data"),
        mime=optional_path(options, "mime"),
    )
    options.done()
    return rule


def _call(options: Options) -> CallRule:
    rule = CallRule(
        path_of(options, "path"),
        _on(options),
        key=optional_path(options, "key"),
        call_id=optional_path(options, "id"),
        name=optional_path(options, "name"),
        arguments=optional_path(options, "arguments"),
        whole=options.flag("whole", False),
    )
    options.done()
    return rule


def _finish(options: Options) -> FinishRule:
    reason = None if options.raw("reason") is None else choice(options, "reason", REASONS, "")
    path = optional_path(options, "path") if reason else path_of(options, "path")
    rule = FinishRule(path or WHOLE, _on(options), reason=cast(FinishReason | None, reason))
    options.done()
    return rule


def _finish_map(options: Options, words: Mapping[str, str]) -> dict[str, FinishReason]:
    return {word: cast(FinishReason, choice(options, word, REASONS, "")) for word in words}


def _usage(options: Options) -> UsageRules:
    names = ("prompt", "completion", "cached", "reasoning")
    usage = UsageRules(**{name: _rules(options, name) for name in names})
    options.done()
    return usage


def _end(options: Options, framing: str) -> End:
    default = "always" if framing in WHOLE_AT_EOF else "finish"
    end = End(
        texts=frozenset(options.strings("data")),
        on=_on(options),
        flags=_rules(options, "flag"),
        eof=choice(options, "eof", ("always", "finish"), default) == "always",
    )
    options.done()
    return end


def _error(options: Options) -> ErrorRule:
    status = options.optional_number("status")
    rule = ErrorRule(
        becomes=int(options.number("becomes", 502, least=400)),
        status=None if status is None else int(status),
        contains=options.text("contains", ""),
        kind=options.text("kind", ""),
        code=options.text("code", ""),
    )
    options.done()
    return rule
