"""Logs and metrics in the form that CloudWatch reads, with aws-lambda-powertools. Never a prompt or a key."""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger, Metrics
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api.shared.state import record_of
from core.gateway.record import Record

NAME = "any2api"


class Observed:
    """Wraps the app: names the invocation in each log line, and counts each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logger = Logger(service=NAME, location=None, use_rfc3339=True, utc=True)
        for handler in self._logger.handlers:
            handler.addFilter(_flat)
        self._metrics = Metrics(namespace=NAME, service=NAME)
        self._cold = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cold, self._cold = self._cold, False
        self._logger.append_keys(function_request_id=scope["aws.context"].aws_request_id, cold_start=cold)
        try:
            await self._app(scope, receive, send)
        finally:
            self._count(record_of(scope), cold=cold)

    def _count(self, record: Record, *, cold: bool) -> None:
        """Written by hand: the decorator would write before a stream has ended."""
        metrics = self._metrics
        metrics.add_metric("Requests", "Count", 1)
        metrics.add_metric("ColdStarts", "Count", int(cold))
        metrics.add_metric("UpstreamErrors", "Count", int(bool(record.error and record.attempts)))
        if record.first_event is not None:
            metrics.add_metric("FirstEvent", "Milliseconds", round(record.first_event * 1000))
        if record.usage is not None:
            metrics.add_metric("TokensIn", "Count", record.usage.prompt_tokens)
            metrics.add_metric("TokensOut", "Count", record.usage.completion_tokens)
        if record.provider:
            metrics.add_metadata("provider", record.provider)
        metrics.flush_metrics()


def _flat(line: logging.LogRecord) -> bool:
    """Put the fields of a log line beside its message rather than below it."""
    line.__dict__.update(line.__dict__.pop("fields", {}))
    return True
