"""What happens when Google's framework loads the function, before it forks and before anybody calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HANDLER = Path(__file__).parents[2] / "handlers" / "gcp_function.py"

LOAD = f"""
import asyncio, functions_framework.aio, gc, sys, threading
from functions_framework import _function_registry as registry

loops = []
init = asyncio.BaseEventLoop.__init__
asyncio.BaseEventLoop.__init__ = lambda self, *args: (loops.append(self), init(self, *args))[1]
before = set(threading.enumerate())

framework = functions_framework.aio.create_asgi_app("openai_api", {str(HANDLER)!r}, "http")

from core.wire.client import HttpClient
assert set(threading.enumerate()) == before, threading.enumerate()
assert loops == []
assert [found for found in gc.get_objects() if isinstance(found, HttpClient)] == []
assert not [name for name in ("grpc", "google.auth") if name in sys.modules]
print("loaded", *(route.path for route in framework.routes))
"""


def test_loading_it_makes_no_client_no_thread_and_no_loop(tmp_path):
    """From a directory where nothing of ours can be found, and with no settings that could be right."""
    (tmp_path / "any2api.toml").write_text("not even TOML")
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["loaded", "/", "/robots.txt", "/favicon.ico", "/{path:path}"]
