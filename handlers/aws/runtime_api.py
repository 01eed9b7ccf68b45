"""Lambda's Runtime API: where invocations come from and where their answers go. Standard library only.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and, for streaming,
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming. All calls block:
there is one invocation at a time, and one thread that talks to Lambda.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

VERSION = "/2018-06-01/runtime"
STREAM_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE_END = bytes(8)
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"


@dataclass(slots=True)
class Context:
    """An invocation as AWS's own runtime describes it to a handler. `deadline` is in seconds since the epoch."""

    aws_request_id: str
    deadline: float
    invoked_function_arn: str = ""
    invocation_id: str = ""
    trace_id: str = ""
    function_name: str = field(default_factory=lambda: os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
    function_version: str = field(default_factory=lambda: os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""))
    memory_limit_in_mb: str = field(default_factory=lambda: os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""))
    log_group_name: str = field(default_factory=lambda: os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""))
    log_stream_name: str = field(default_factory=lambda: os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""))
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


class ResponseStream(Protocol):
    """The platform's end of one answer: all that the ASGI side knows of Lambda. Each call may raise `OSError`.

    Where AWS one day lets Python stream, its response stream takes this place.
    """

    def start(self, status: int, headers: Mapping[str, str], cookies: Sequence[str]) -> None: ...

    def write(self, data: bytes) -> None: ...

    def end(self) -> None:
        """The answer is whole."""
        ...

    def fail(self, kind: str, message: str) -> None:
        """The answer is cut off here, and the platform lets the caller see it."""
        ...


class RuntimeApi:
    """`address` is HOST:PORT, as AWS_LAMBDA_RUNTIME_API says. Every call raises `OSError` where nobody is there."""

    def __init__(self, address: str) -> None:
        self._address = address

    def next(self) -> tuple[Context, bytes]:
        """The next invocation and its event. Waits for ever, since the sandbox may be frozen meanwhile."""
        headers, event = self._call("GET", "/invocation/next")
        context = Context(
            aws_request_id=headers["Lambda-Runtime-Aws-Request-Id"],
            deadline=int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000,
            invoked_function_arn=headers.get("Lambda-Runtime-Invoked-Function-Arn", ""),
            invocation_id=headers.get("Lambda-Runtime-Invocation-Id", ""),
            trace_id=headers.get("Lambda-Runtime-Trace-Id", ""),
        )
        return context, event

    def respond(self, context: Context, body: bytes) -> None:
        """Answer an invocation as a whole, with JSON."""
        headers = {"Content-Type": "application/json", **_echo(context)}
        self._call("POST", f"/invocation/{context.aws_request_id}/response", body, headers)

    def stream(self, context: Context, seconds: float) -> ResponseStream:
        """Answer an invocation as a stream, of which everything must be written within `seconds`."""
        connection = http.client.HTTPConnection(self._address)
        return _HttpStream(connection, context, time.monotonic() + seconds)

    def invocation_error(self, context: Context, error: Exception) -> None:
        """No answer to an invocation: the caller gets the platform's own 502."""
        self._report(f"/invocation/{context.aws_request_id}/error", error, _echo(context))

    def init_error(self, error: Exception) -> None:
        """The function cannot start."""
        self._report("/init/error", error, {})

    def restored(self) -> None:
        """With SnapStart: everything is set up. Returns in a sandbox that was made from the snapshot."""
        self._call("GET", "/restore/next")

    def _report(self, path: str, error: Exception, headers: Mapping[str, str]) -> None:
        kind = type(error).__name__
        trace = [] if kind == "ConfigError" else traceback.format_exception(error)
        line = {"level": "ERROR", "message": f"{kind}: {error}", "exception": "".join(trace)}
        sys.stderr.write(json.dumps({name: value for name, value in line.items() if value}) + "\n")
        report = {"errorMessage": str(error), "errorType": kind, "stackTrace": trace}
        headers = {"Content-Type": "application/json", ERROR_TYPE: f"Runtime.{kind}", **headers}
        self._call("POST", path, json.dumps(report).encode(), headers)

    def _call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(self._address)
        try:
            connection.request(method, VERSION + path, body, headers or {})
            return _answer(connection, f"{method} {path}")
        finally:
            connection.close()


class _HttpStream:
    """A chunked request to the Runtime API: a prelude with status and headers, the body, perhaps trailers."""

    def __init__(self, connection: http.client.HTTPConnection, context: Context, until: float) -> None:
        self._connection = connection
        self._context = context
        self._until = until
        self._path = f"/invocation/{context.aws_request_id}/response"

    def start(self, status: int, headers: Mapping[str, str], cookies: Sequence[str]) -> None:
        connection = self._connection
        connection.timeout = self._patience()
        connection.putrequest("POST", VERSION + self._path, skip_accept_encoding=True)
        connection.putheader("Content-Type", STREAM_TYPE)
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}")
        for name, value in _echo(self._context).items():
            connection.putheader(name, value)
        connection.endheaders()
        prelude = {"statusCode": status, "headers": dict(headers), "cookies": list(cookies)}
        self.write(json.dumps(prelude).encode() + PRELUDE_END)

    def write(self, data: bytes) -> None:
        self._send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self._finish(b"")

    def fail(self, kind: str, message: str) -> None:
        report = json.dumps({"errorMessage": message, "errorType": kind})
        trailers = f"{ERROR_TYPE}: Runtime.{kind}\r\n{ERROR_BODY}: {base64.b64encode(report.encode()).decode()}\r\n"
        self._finish(trailers.encode())

    def _finish(self, trailers: bytes) -> None:
        try:
            self._send(b"0\r\n%s\r\n" % trailers)
            _answer(self._connection, f"POST {self._path}")
        finally:
            self._connection.close()

    def _send(self, data: bytes) -> None:
        sock = self._connection.sock
        sock.settimeout(self._patience())
        try:
            sock.sendall(data)
        except OSError:
            self._connection.close()
            raise

    def _patience(self) -> float:
        return max(self._until - time.monotonic(), 0.001)


def _echo(context: Context) -> dict[str, str]:
    return {"Lambda-Runtime-Invocation-Id": context.invocation_id} if context.invocation_id else {}


def _answer(connection: http.client.HTTPConnection, request: str) -> tuple[http.client.HTTPMessage, bytes]:
    try:
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"The Runtime API broke off {request}.") from error
    if answer.status >= 300:
        raise OSError(f"The Runtime API answered {request} with {answer.status}: {body[:200]!r}.")
    return answer.headers, body
