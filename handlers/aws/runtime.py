"""The life of a sandbox: one event loop, one app, and one invocation after another."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from mangum import Mangum
from mangum.types import ASGI

from core.chat.errors import ChatError
from handlers.aws.asgi import GRACE, Exchange, http_request
from handlers.aws.runtime_api import Context, RuntimeApi

_LOG = logging.getLogger("any2api.lambda")


def serve(api: RuntimeApi, build: Callable[[], ASGI]) -> None:
    """Answer invocations with the app that `build` gives, until Lambda ends the sandbox."""
    try:
        sandbox = Sandbox(api, build())
    except Exception as error:  # noqa: BLE001  # whatever hinders the start, Lambda is told and the sandbox ends
        api.init_error(error)
        sys.exit(1)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        api.restored()
    signal.signal(signal.SIGTERM, sandbox.stop)
    sandbox.run()


class Sandbox:
    """Everything that lives from one invocation to the next; the app's pool of connections is in its event loop."""

    def __init__(self, api: RuntimeApi, app: ASGI) -> None:
        self._idle = self._stopped = False
        self._api = api
        self._app = app
        self._exchange: Exchange | None = None
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)  # Mangum would make another one
        self._mangum = Mangum(app, lifespan="off")
        threading.Thread(target=self._run_app, name="app", daemon=True).start()

    def run(self) -> None:
        """One invocation after another, until `stop`."""
        while not self._stopped:
            self._idle = True
            invocation = self._api.next()
            self._idle = False
            self._handle(*invocation)

    def _run_app(self) -> None:
        # A signal wakes but the thread that it is delivered to, and only the main thread acts on it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._loop.run_forever()

    def stop(self, _: int, __: FrameType | None) -> None:
        """SIGTERM, which leaves us a moment: end the answer that is under way, or else just go."""
        self._stopped = True
        if self._idle:
            sys.exit(0)
        if self._exchange is not None:
            self._exchange.stop(ChatError("This instance is shutting down.", status=503, code="shutting_down"))

    def _handle(self, context: Context, raw: bytes) -> None:
        """Answer one invocation. What is no HTTP request is acknowledged, and does nothing."""
        os.environ["_X_AMZN_TRACE_ID"] = context.trace_id
        request = http_request(self._mangum, json.loads(raw), context)
        if request is None:
            self._api.respond(context, b'{"ok":true}')
            return
        seconds = context.get_remaining_time_in_millis() / 1000
        self._exchange = Exchange(self._app, *request, self._loop)
        let_go = self._exchange.run(self._api.stream(context, seconds - GRACE), seconds)
        self._exchange = None
        if not let_go:
            _LOG.critical("the app neither ends nor can be cancelled; the next invocation gets a new sandbox")
            os._exit(1)
