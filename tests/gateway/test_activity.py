"""The ring of the last requests."""

from __future__ import annotations

from core.gateway.activity import KEPT, Activity
from core.gateway.record import Record


def test_it_keeps_the_last_and_counts_them_all() -> None:
    activity = Activity()
    for number in range(KEPT + 5):
        activity.add(f"req_{number}", "/v1/chat/completions", 200, 0.1, Record())
    kept = activity.newest_first()
    assert [kept[0].request_id, kept[-1].request_id] == [f"req_{KEPT + 4}", "req_5"]
    assert activity.total == KEPT + 5


def test_it_keeps_no_traceback() -> None:
    activity = Activity()
    record = Record(model="m", cause=ValueError("with a traceback"))
    activity.add("req_1", "/", 502, 0.1, record)
    assert activity.newest_first()[0].record == Record(model="m")
    assert record.cause is not None, "the log may still want it"
