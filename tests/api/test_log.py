"""Log lines, for machines and for people."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from core.api.shared.log import JsonLines, Words, log_failure, log_request
from core.chat.events import Usage
from core.gateway.record import Record

SCOPE = {"any2api.id": "req_1", "method": "POST", "path": "/v1/chat/completions", "query_string": b"key=QUERY"}
FULL = Record(
    model="alias",
    provider="puter",
    upstream_model="gpt",
    token="puter-1",
    caller="key-1",
    attempts=2,
    events=7,
    first_event=0.1234,
    finish="stop",
    usage=Usage(3, 4, estimated=True),
)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("any2api"), "propagate", True)
    caplog.set_level(logging.INFO, "any2api")


def written(caplog: pytest.LogCaptureFixture, record: Record, formatter: logging.Formatter, **scope: Any) -> str:
    log_request({**SCOPE, **scope}, 200, 1.5, record, str)
    return formatter.format(caplog.records[-1])


def test_a_line_for_machines_has_every_field(caplog: pytest.LogCaptureFixture) -> None:
    assert json.loads(written(caplog, FULL, JsonLines())) == {
        "level": "info",
        "severity": "INFO",
        "logger": "any2api.requests",
        "request_id": "req_1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "caller": "key-1",
        "model": "alias",
        "provider": "puter",
        "upstream_model": "gpt",
        "token": "puter-1",
        "attempts": 2,
        "first_event_ms": 123,
        "total_ms": 1500,
        "events": 7,
        "finish": "stop",
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "usage_estimated": True,
    }


def test_what_did_not_happen_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    fields = json.loads(written(caplog, Record(error="invalid_api_key"), JsonLines()))

    assert set(fields) == {"level", "severity", "logger", "request_id", "method", "path", "status", "total_ms", "error"}


def test_what_took_no_time_took_zero_milliseconds(caplog: pytest.LogCaptureFixture) -> None:
    record = Record(first_event=0.0001, usage=Usage(3, 0))
    log_request(SCOPE, 200, 0.0001, record, str)
    line = json.loads(JsonLines().format(caplog.records[-1]))

    assert (line["first_event_ms"], line["total_ms"], line["completion_tokens"]) == (0, 0, 0)
    assert "first 0 ms  total 0 ms  3+0 tokens" in Words().format(caplog.records[-1])


def test_a_query_is_never_written(caplog: pytest.LogCaptureFixture) -> None:
    for formatter in (JsonLines(), Words()):
        assert "QUERY" not in written(caplog, FULL, formatter)


def test_the_id_of_a_job_is_no_way_to_it(caplog: pytest.LogCaptureFixture) -> None:
    sealed = "video_" + "AbC-9_" * 200
    line = json.loads(written(caplog, FULL, JsonLines(), path=f"/v1/videos/{sealed}/content"))

    assert line["path"] == "/v1/videos/video_AbC-9_AbC-…/content"


def test_other_ids_are_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    path = "/v1/models/vendor/a-model-with-a-rather-long-name-2025-12-31-preview"

    assert json.loads(written(caplog, FULL, JsonLines(), path=path))["path"] == path


def test_a_line_for_people_can_be_read_at_a_glance(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, FULL, Words()) == (
        "200 POST /v1/chat/completions  alias → puter (puter-1)  first 123 ms  total 1500 ms  ~3+4 tokens  req_1"
    )
    assert written(caplog, Record(error="no"), Words()) == "200 POST /v1/chat/completions  total 1500 ms  no  req_1"


def test_no_tokens_at_all_are_a_number_too(caplog: pytest.LogCaptureFixture) -> None:
    assert "0+4 tokens" in written(caplog, Record(usage=Usage(0, 4)), Words())


@pytest.mark.parametrize("hostile", ["\n200 GET /forged", "\x1b[2J", "\x9b31m", "\u2028x", "\x7f"])
def test_nobody_can_forge_a_line_or_drive_a_terminal(caplog: pytest.LogCaptureFixture, hostile: str) -> None:
    record = Record(model=hostile)

    assert written(caplog, record, Words(), path=f"/{hostile}").isprintable()
    assert len(written(caplog, record, JsonLines(), path=f"/{hostile}").split("\n")) == 1


def test_a_failure_tells_where_and_why_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="CANARY") as raised:
        int("CANARY")
    log_failure(SCOPE, raised.value, lambda text: text.replace("CANARY", "…"))

    for formatter in (JsonLines(), Words()):
        line = formatter.format(caplog.records[-1])
        assert "req_1" in line
        assert "test_log.py" in line
        assert "ValueError: invalid literal for int() with base 10: '…'" in line


def test_other_messages_stay_words(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("any2api").warning("the models of %s are unknown", "x")

    assert Words().format(caplog.records[-1]) == "the models of x are unknown"
    assert json.loads(JsonLines().format(caplog.records[-1]))["message"] == "the models of x are unknown"
