"""HTTP as clients, browsers and proxies use it."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

import httpx
import pytest

from tests.conformance.gateways import AUTHORIZED, Connected, connected, question
from tests.conformance.kinds import everywhere
from tests.conformance.sse import chunks, content
from tests.support.chat_upstream import ChatUpstream
from tests.support.loops import PATIENCE

CHAT = "/v1/chat/completions"
ORIGIN = {"Origin": "https://chat.example.com"}
STAINLESS = (
    "authorization, content-type, x-stainless-arch, x-stainless-lang, x-stainless-os, x-stainless-package-version, "
    "x-stainless-retry-count, x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout, openai-beta, x!$~"
)


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/models/vendor%2Fecho", "/", "/nowhere"])
def test_a_preflight_needs_no_key_and_gets_every_header_allowed_by_name(gateway: Connected, path: str) -> None:
    """Item 127."""
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": STAINLESS}
    answer = httpx.options(gateway.url + path, headers=asked, trust_env=False)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] in {"*", ORIGIN["Origin"]}
    assert "POST" in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == STAINLESS
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_from_a_public_page_to_a_private_address_is_allowed(gateway: Connected) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    answer = gateway.http.options(CHAT, headers=asked)

    assert answer.headers["access-control-allow-private-network"] == "true"


def test_a_page_can_read_every_answer(gateway: Connected) -> None:
    """Items 128 to 131: also errors, which would be a nameless network error otherwise."""
    answers = {
        gateway.http.post(CHAT, json=question("echo"), headers=ORIGIN): 200,
        gateway.http.post(CHAT, json=question("echo", stream=True), headers=ORIGIN): 200,
        gateway.http.post(CHAT, content=b"{", headers=ORIGIN): 400,
        httpx.get(f"{gateway.url}/v1/models", headers=ORIGIN, trust_env=False): 401,
        gateway.http.get("/v1/models/unheard-of", headers=ORIGIN): 404,
        gateway.http.get(CHAT, headers=ORIGIN): 405,
        gateway.http.post(CHAT, content=b" " * 5_000_000, headers=ORIGIN): 413,
        gateway.http.post(CHAT, data={"model": "echo"}, headers=ORIGIN): 415,
    }

    for answer, status in answers.items():
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] in {"*", ORIGIN["Origin"]}
        assert "access-control-allow-credentials" not in answer.headers
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"x-request-id", "retry-after"} <= set(exposed)


def test_only_pages_of_the_configured_origins_can_read(upstream: ChatUpstream) -> None:
    with connected(upstream, 'cors_origins = ["https://chat.example.com"]') as strict:
        ours = strict.http.get("/v1/models", headers=ORIGIN)
        theirs = strict.http.get("/v1/models", headers={"Origin": "https://evil.example"})
        nobodys = strict.http.get("/v1/models")

    assert (ours.headers["access-control-allow-origin"], ours.headers["vary"]) == (ORIGIN["Origin"], "Origin")
    for other in (theirs, nobodys):
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions/",
        "//v1//chat/completions",
        "/v1/v1/chat/completions",
        "/chat/completions",
        "/V1/Chat/Completions",
        "/v1/chat/completions/chat/completions",
        "/v1/chat/completions/v1/chat/completions",
        "/v1/completions/chat/completions",
        "/",
    ],
)
def test_a_path_is_understood_in_place(gateway: Connected, path: str) -> None:
    """Item 133: a redirect would lose the body and the key."""
    answer = gateway.http.post(gateway.url + path, json=question("echo"), follow_redirects=False)

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "hello"


@pytest.mark.parametrize("path", ["/models", "/v1/models/", "/v1/v1/models", "/v1/chat/completions/models", "/MODELS"])
def test_the_models_are_found_wherever_a_client_looks(gateway: Connected, path: str) -> None:
    assert gateway.http.get(path).json()["object"] == "list"


@everywhere
def test_a_megabyte_is_taken_whole(gateway: Connected) -> None:
    """Item 134."""
    prompt = "0123456789abcdef" * 65536

    assert gateway.chat("echo", prompt).json()["choices"][0]["message"]["content"] == prompt
    assert content(chunks(gateway.chat("echo", prompt, stream=True).content)) == prompt


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_is_refused(gateway: Connected, declared: bool) -> None:
    body = b" " * (4 * 1024 * 1024 + 1)
    answer = gateway.http.post(CHAT, content=body if declared else iter([body]))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert str(4 * 1024 * 1024) in answer.json()["error"]["message"]


def test_a_body_that_says_it_is_too_large_is_not_waited_for(gateway: Connected) -> None:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.putrequest("POST", CHAT)
        for name, value in {**AUTHORIZED, "Content-Length": str(10**9)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413


@everywhere
def test_five_hundred_messages_are_taken(gateway: Connected, upstream: ChatUpstream) -> None:
    """Item 135."""
    turns = [{"role": role, "content": f"{role} {n}"} for n in range(250) for role in ("user", "assistant")]

    assert gateway.chat("echo", messages=turns).json()["choices"][0]["message"]["content"] == "assistant 249"
    heard = [said.text for said in upstream.turns[0].conversation]
    assert heard == [turn["content"] for turn in turns]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain", "application/octet-stream", None])
def test_json_is_read_whatever_it_is_called(gateway: Connected, kind: str | None) -> None:
    """Item 136."""
    body = json.dumps(question("echo", "héllo"), ensure_ascii=False).encode()
    answer = gateway.http.post(CHAT, content=body, headers={"Content-Type": kind} if kind else {})

    assert answer.json()["choices"][0]["message"]["content"] == "héllo"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_form_is_no_json(gateway: Connected, kind: str) -> None:
    answer = gateway.http.post(CHAT, content=json.dumps(question("echo")), headers={"Content-Type": kind})

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_compressed_body_is_refused(gateway: Connected) -> None:
    answer = gateway.http.post(CHAT, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")


@everywhere
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\ud83c\udf0d", "🌍"),
        (r"a\ud83cb", "a\ufffdb"),
        (r"\udf0d\ud83c", "\ufffd\ufffd"),
        (r"\u0000|\u2028", "\0|\u2028"),
    ],
)
def test_escapes_are_decoded_and_half_a_character_harms_nobody(
    gateway: Connected, written: str, meant: str, stream: bool
) -> None:
    """Item 137."""
    body = json.dumps(question("echo", "TEXT", stream=stream)).replace("TEXT", written)
    answer = gateway.http.post(CHAT, content=body.encode())

    heard = content(chunks(answer.content)) if stream else answer.json()["choices"][0]["message"]["content"]
    assert heard == meant


def test_one_connection_serves_what_comes(gateway: Connected) -> None:
    """Item 141: also after a stream, an error, and a body that was refused unread."""
    host = gateway.url.removeprefix("http://")
    requests = [
        (200, question("echo")),
        (200, question("echo", stream=True)),
        (404, question("unheard-of")),
        (400, question("echo", n=0)),
        (413, question("echo", "x" * 5_000_000)),
        (200, question("echo", stream=True)),
    ]

    with closing(http.client.HTTPConnection(host, timeout=PATIENCE)) as connection:
        connection.connect()
        own_port = connection.sock.getsockname()
        for status, body in requests:
            connection.request("POST", CHAT, json.dumps(body), dict(AUTHORIZED))
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (status, True)
        assert connection.sock.getsockname() == own_port


def test_a_client_that_asks_for_leave_gets_it(gateway: Connected) -> None:
    body = json.dumps(question("echo")).encode()
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.putrequest("POST", CHAT)
        for name, value in {**AUTHORIZED, "Content-Length": str(len(body)), "Expect": "100-continue"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.getresponse().status == 200
