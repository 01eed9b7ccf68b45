"""When `any2api serve` begins, what it prints then, and when it refuses."""

import asyncio
import json
import signal
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from core.cli import main
from core.cli.serve import curl, refusal
from tests.support.upstream import Seen, Wire, upstream

STRONG = "canary-4f9a0c7b21d84e6f90ab"


@pytest.fixture
def settings(directory):
    def settings(url: str = "http://127.0.0.1:9") -> None:
        (directory / "any2api.toml").write_text(
            f'[providers.x]\nkind = "openai"\nbase_url = "{url}"\nmodels = ["it\'s"]\n'
        )

    settings()
    return settings


# Refusals


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize("keys", [[], ["1"], [STRONG]])
def test_this_machine_alone_may_have_any_key(address, keys):
    assert refusal(address, "K", keys) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "8.8.8.8"])
def test_others_need_a_key_that_cannot_be_guessed(address):
    assert refusal(address, "K", [STRONG]) is None
    assert refusal(address, "K", [STRONG, STRONG + "2"]) is None
    assert refusal(address, "K", []).startswith(f"K is not set, and others can reach {address}: set it to")
    for weak in ("1", "test", "sk-1234", "bedrock", STRONG[:23]):
        assert refusal(address, "K", [STRONG, weak]).startswith("K holds a key that can be guessed, and others")


@pytest.mark.parametrize(("key", "problem"), [(None, "is not set"), ("bedrock", "holds a key that can be guessed")])
async def test_a_public_address_is_refused_in_one_line(run, settings, key, problem):
    environment = {} if key is None else {"API_MASTER_KEY": key}
    outcome = await run("serve", "--host", "0.0.0.0", "--port", "0", **environment)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"any2api does not start: API_MASTER_KEY {problem}, and others can reach 0.0.0.0: "
        "set it to a random text of 24 or more characters, such as: openssl rand -hex 24\n"
    )


def test_a_port_that_is_taken_is_one_line(settings, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert capsys.readouterr() == (
        "",
        f"any2api does not start: port {port} on 127.0.0.1 is taken; choose another with --port\n",
    )


def test_an_address_that_is_not_ours_is_one_line(settings, capsys, monkeypatch):
    monkeypatch.setenv("API_MASTER_KEY", STRONG)
    assert main(["serve", "--host", "203.0.113.7", "--port", "0"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("any2api does not start: cannot listen on 203.0.113.7, port 0: ")


def test_a_secret_store_that_cannot_be_read_is_one_line(settings, capsys, monkeypatch):
    monkeypatch.setenv("SECRETS_URL", "file:///nowhere/at/all")
    assert main(["serve", "--port", "0"]) == 1
    assert capsys.readouterr() == ("", "error: The secret store cannot be read.\n")


# Service


def test_the_command_to_try_is_quoted_for_a_shell():
    assert curl("http://h:1", "$K", "it's") == (
        "curl -N http://h:1/v1/chat/completions -H \"Authorization: Bearer $K\" -H 'Content-Type: application/json' "
        """-d '{"model": "it'"'"'s", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'"""
    )


async def answer(_: Seen, wire: Wire) -> None:
    await wire.head(content_type="text/event-stream")
    delta = {"choices": [{"delta": {"content": "Hello back"}, "finish_reason": "stop"}]}
    await wire.chunk(b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(delta).encode())
    await wire.finish()


@asynccontextmanager
async def serving(start, settings, *arguments: str, **environment: str):
    """The lines that it greets with; then it is interrupted, and must have ended well."""
    async with upstream(answer) as server, asyncio.timeout(60):
        settings(server.url)
        process = await start("serve", "--port", "0", *arguments, **environment)
        yield [(await process.stdout.readline()).decode() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert (process.returncode, out) == (0, b"")
        assert b"Traceback" not in err
        assert all(line.startswith(b'{"level": "info"') for line in err.splitlines())


async def paste(line: str, **environment: str) -> str:
    """What the line to try prints in a shell."""
    command = line.removeprefix("try: ").replace("curl -N", "curl -sSiN", 1)
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, env={"PATH": "/usr/bin:/bin", **environment}
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_without_a_key_one_is_made_and_the_printed_command_works(start, settings):
    async with serving(start, settings) as (url, key, command, page):
        assert page.startswith(f"page: {url.split()[-1].removesuffix('v1')} in a browser")
        assert url.startswith("any2api listens at http://127.0.0.1:")
        assert key.startswith("key: sk-any2api-")
        assert len(key.split()[1]) == len("sk-any2api-") + 32
        answered = await paste(command)
    assert answered.startswith("HTTP/1.1 200 OK")
    assert '"content":"Hello back"' in answered
    assert answered.rstrip().endswith("data: [DONE]")
    assert "server:" not in answered.lower()


@pytest.mark.parametrize("keys", [STRONG, f"{STRONG},another-key"])
async def test_a_key_that_is_set_is_not_shown_and_the_printed_command_works(start, settings, keys):
    async with serving(start, settings, API_MASTER_KEY=keys) as lines:
        assert lines[1] == "key: the key in API_MASTER_KEY\n"
        assert STRONG not in "".join(lines)
        answered = await paste(lines[2], API_MASTER_KEY=keys)
        refused = await paste(lines[2], API_MASTER_KEY="wrong")
    assert answered.rstrip().endswith("data: [DONE]")
    assert refused.startswith("HTTP/1.1 401 ")


async def test_a_public_address_with_a_strong_key_is_served(start, settings):
    async with serving(start, settings, "--host", "0.0.0.0", API_MASTER_KEY=STRONG) as lines:
        assert lines[0].startswith("any2api listens at http://127.0.0.1:")
        answered = await paste(lines[2], API_MASTER_KEY=STRONG)
    assert answered.rstrip().endswith("data: [DONE]")


async def test_a_form_that_is_none_is_one_line_in_the_log_as_all_requests(start, settings):
    async with serving(start, settings, API_MASTER_KEY=STRONG) as lines, httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {STRONG}", "Content-Type": "multipart/form-data; boundary=B"}
        answer = await client.post(f"{lines[0].split()[-1]}/audio/transcriptions", headers=headers, content=b"nonsense")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_form")
