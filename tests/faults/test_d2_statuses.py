"""What an upstream's statuses mean, rows 14 to 37; also the successes that are none.

Of row 14, the fallback to a model with a larger context is not offered. Rows 18 and 20 also concern the cockpit.
"""

from __future__ import annotations

import json
import time

import pytest

from core.gateway import road
from tests.faults.stage import (
    DONE,
    END,
    EXTRA,
    GOOD,
    HELLO,
    TOKENS,
    answered,
    delta,
    event,
    failed,
    in_turn,
    refusal,
    refused,
    replies,
    says,
    text,
)
from tests.support.upstream import Seen, Wire

HTML = b"<!DOCTYPE html><html><head><title>%s</title><style>p {}</style></head><body><p>%s</p></body></html>"
NO_CREDENTIALS = "upstream_credentials_unavailable"


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a token that rests."""
    monkeypatch.setattr(road, "LONGEST_WAIT", 0.0)


def page(title: str, words: str = "Hello") -> bytes:
    return HTML % (title.encode(), words.encode())


def told(said) -> str:
    return said.json["error"]["message"]


# The caller's own mistakes


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (refusal(400, "This model's maximum context length is 8192 tokens."), "context_length_exceeded"),
        (refusal(400, "Too long.", code="context_length_exceeded"), "context_length_exceeded"),
        (refusal(400, "Your prompt is flagged by our content filter."), "content_policy_violation"),
        (refusal(400, "No.", code="content_policy_violation"), "content_policy_violation"),
        (refusal(422, "Something is wrong."), "upstream_rejected_request"),
    ],
    ids=["14", "14 by code", "16", "16 by code", "422"],
)
async def test_what_the_caller_did_wrong(stage, streamed, script, code):
    """Rows 14 and 16: a 400, nobody else is asked, no token suffers."""
    async with stage(script, GOOD, tokens=TOKENS) as here:
        refused(await here.ask(stream=streamed, model="both"), 400, code)
        assert (len(here.a.seen), here.b.seen, here.rests) == (1, [], {})
        assert not here.kept().health.benched


async def test_a_parameter_that_the_upstream_has_never_heard_of(stage, streamed):
    """Row 15: left out once, remembered, and named to the caller where it matters."""

    async def picky(seen: Seen, wire: Wire) -> None:
        if "response_format" in seen.json:
            script = refusal(400, "Unknown parameter: 'response_format'.", param="response_format")
        else:
            script = GOOD
        await script(seen, wire)

    async with stage(picky) as here:
        for requests in (2, 3):
            said = await here.ask(stream=streamed, response_format={"type": "json_object"})
            answered(said)
            assert said.headers["x-ignored-params"] == "response_format"
            assert len(here.a.seen) == requests


async def test_a_parameter_without_which_it_is_refused_as_well(stage, streamed):
    """Row 15: in the end the upstream's own words."""
    complaint = refusal(400, "Unknown parameter: 'tools'. Call https://internal.test/help?key=abc", param="tools")
    async with stage(complaint) as here:
        tools = [{"type": "function", "function": {"name": "f"}}]
        said = await here.ask(stream=streamed, tools=tools)
        refused(said, 400, "upstream_rejected_request", saying="Unknown parameter: 'tools'. Call [redacted]")
        assert said.json["error"]["param"] == "tools"
        assert len(here.a.seen) == 2


# Tokens that are refused


async def test_a_refused_token(stage, streamed):
    """Row 17: it is out for good, and the next one answers."""
    async with stage(in_turn(refusal(401), GOOD), tokens=TOKENS) as here:
        answered(await here.ask(stream=streamed))
        first, second = (seen.headers["authorization"].removeprefix("Bearer ") for seen in here.a.seen)
        assert {first, second} == set(TOKENS)
        for _ in range(3):
            answered(await here.ask(stream=streamed))
        assert {seen.headers["authorization"] for seen in here.a.seen[2:]} == {f"Bearer {second}"}
        assert here.rests == {first: NO_CREDENTIALS}


async def test_every_token_refused(stage, streamed):
    """Row 17: never a 401, for which a client would throw away its own key."""
    async with stage(refusal(401, "Bad key."), tokens=TOKENS) as here:
        refused(await here.ask(stream=streamed), 503, NO_CREDENTIALS, saying="Bad key.")
        refused(await here.ask(stream=streamed), 503, NO_CREDENTIALS)
        assert len(here.a.seen) == 2


async def test_every_token_refused_and_another_target(stage, streamed):
    """Row 17."""
    async with stage(refusal(401), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


async def test_a_refused_key_that_calls_itself_a_bad_request(stage, streamed):
    """Row 17: some services say it with 400."""
    body = [{"error": {"code": 400, "message": "API key not valid. Please pass a valid one.", "status": "INVALID"}}]
    async with stage(in_turn(replies(400, body), GOOD), tokens=TOKENS) as here:
        answered(await here.ask(stream=streamed))
        assert list(here.rests.values()) == [NO_CREDENTIALS]


async def test_an_account_without_credit(stage, streamed):
    """Row 18: it rests for an hour; the other one answers."""
    async with stage(in_turn(refusal(402), GOOD), tokens=TOKENS) as here:
        answered(await here.ask(stream=streamed))
        assert list(here.rests.values()) == [NO_CREDENTIALS]
        [(_, model, rest)] = here.kept().pool.states()
        assert (model, rest.disabled) == ("", False)
    async with stage(refusal(402)) as here:
        refused(await here.ask(stream=streamed), 503, NO_CREDENTIALS, after=3600)
        refused(await here.ask(stream=streamed), 429, "rate_limited", after=3600)
        assert len(here.a.seen) == 1


async def test_a_quota_that_calls_itself_a_rate_limit(stage, streamed):
    """Row 18: OpenAI says it with 429."""
    quota = refusal(429, "You exceeded your current quota.", code="insufficient_quota")
    async with stage(quota) as here:
        refused(await here.ask(stream=streamed), 429, "insufficient_quota", after=3600)


async def test_a_token_that_lacks_a_permission(stage, streamed):
    """Row 19."""
    async with stage(in_turn(refusal(403, "Your API key is suspended."), GOOD), tokens=TOKENS) as here:
        answered(await here.ask(stream=streamed))
        [(_, model, rest)] = here.kept().pool.states()
        assert (model, rest.disabled) == ("", True)


async def test_a_token_that_may_not_use_one_model(stage, streamed):
    """Row 19: it stays good for all others."""
    denied = refusal(403, "Project `p` does not have access to model `m`.", code="model_not_found")
    async with stage(denied, models=["m", "n"]) as here:
        refused(await here.ask(stream=streamed), 503, NO_CREDENTIALS)
        [(_, model, rest)] = here.kept().pool.states()
        assert (model, rest.disabled) == ("m", True)
        await here.ask(stream=streamed, model="a/n")
        assert len(here.a.seen) == 2


async def test_a_403_for_another_reason(stage, streamed):
    """Row 19: no token can help."""
    async with stage(refusal(403, "This service is not offered in your country.")) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_bad_response", saying="your country")
        assert here.rests == {}


@pytest.mark.parametrize(
    "script",
    [
        replies(403, page("Just a moment..."), content_type="text/html"),
        replies(403, page("Verify"), content_type="text/html", cf_mitigated="challenge"),
        replies(503, page("Attention Required! | Cloudflare"), content_type="text/html"),
        replies(200, page("Just a moment..."), content_type="text/html"),
    ],
    ids=["title", "header", "503", "200"],
)
async def test_an_anti_bot_page(stage, streamed, script):
    """Row 20: the upstream is left alone for ten minutes, and nobody tries to get around the page."""
    async with stage(script, GOOD) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_challenge", saying="anti-bot page")
        assert here.rests == {}
        again = await here.ask(stream=streamed)
        assert (again.status, again.json["error"]["code"]) == (502, "upstream_challenge")
        assert 595 <= int(again.headers["retry-after"]) <= 600
        answered(await here.ask(stream=streamed, model="both"))
        assert len(here.a.seen) == 1
        assert here.kept().health.verdict is not None


# Models and paths that are not there


async def test_a_model_that_is_gone(stage, streamed):
    """Row 21: the upstream is asked for its list again, but not at every request."""
    listed = replies(200, {"data": [{"id": "m"}]})
    denied = refusal(404, "The model `m` does not exist.", code="model_not_found")

    async def service(seen: Seen, wire: Wire) -> None:
        await (listed if seen.method == "GET" else denied)(seen, wire)

    async with stage(service, models="discover") as here:
        refused(await here.ask(stream=streamed, model="m"), 404, "model_not_found")
        assert [seen.method for seen in here.a.seen] == ["GET", "POST"]
        refused(await here.ask(stream=streamed, model="m"), 404, "model_not_found")
        assert [seen.method for seen in here.a.seen] == ["GET", "POST"], "it is no longer listed"
        assert here.rests == {}


async def test_a_model_that_is_gone_and_another_target(stage, streamed):
    """Row 21."""
    async with stage(refusal(404, "No such model."), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


@pytest.mark.parametrize("body", [b"404 page not found", b'{"detail":"Not Found"}', page("404 Not Found"), b""])
async def test_a_base_url_that_leads_nowhere(stage, streamed, body):
    """Row 22: with a hint for whoever set it."""
    content_type = "text/html" if body.startswith(b"<") else "text/plain"
    async with stage(replies(404, body, content_type=content_type)) as here:
        said = await here.ask(stream=streamed)
        refused(said, 502, "upstream_misconfigured", saying="base_url should end where /chat/completions begins")
        assert len(here.a.seen) == 1


async def test_an_upstream_that_waited_for_us(stage, streamed):
    """Row 23."""
    async with stage(refusal(408)) as here:
        refused(await here.ask(stream=streamed), 504, "upstream_timeout")


# Limits


async def test_a_limit_and_another_token(stage, streamed):
    """Row 24: the other one answers at once."""
    async with stage(in_turn(refusal(429, Retry_After="2"), GOOD), tokens=TOKENS) as here:
        answered(await here.ask(stream=streamed))
        [limited] = here.rests
        assert here.a.seen[0].headers["authorization"] == f"Bearer {limited}"
        assert here.kept().pool.wait("m") <= 2


async def test_a_limit_that_is_soon_over(stage, streamed):
    """Row 24: worth waiting for, where there is no other token."""
    async with stage(in_turn(refusal(429, Retry_After="1"), GOOD)) as here:
        began = time.monotonic()
        answered(await here.ask(stream=streamed))
        assert time.monotonic() - began >= 1
        assert here.rests == {}


async def test_a_limit_that_lasts(stage, streamed):
    """Row 24."""
    async with stage(refusal(429, "Slow down.", Retry_After="60")) as here:
        refused(await here.ask(stream=streamed), 429, "rate_limited", after=60, saying="Slow down.")


async def test_a_limit_and_another_target(stage, streamed):
    """Row 24."""
    async with stage(refusal(429, Retry_After="2"), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry_After": "7"}, 7, 7),
        ({"Retry_After": "7.2"}, 8, 8),
        ({"Retry_After": "Fri, 31 Dec 2100 23:59:59 GMT"}, 3600, 3600),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1, 1),
        ({"Retry_After": "-5"}, 1, 1),
        ({"Retry_After": "0"}, 1, 1),
        ({"Retry_After": "1000000000"}, 3600, 3600),
        ({"Retry_After": "inf"}, 3600, 3600),
        ({"Retry_After": "soon"}, 5, 7),
        ({"Retry_After": "nan"}, 5, 7),
        ({"Retry_After": "²"}, 5, 7),
        ({"Retry_After_Ms": "7400", "Retry_After": "1"}, 8, 8),
        ({"Retry_After_Ms": "soon", "Retry_After": "9"}, 9, 9),
        ({}, 5, 7),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_every_way_to_say_how_long(stage, impatient, headers, least, most):
    """Row 25: seconds or a date, within a second and an hour; garbage is as good as nothing."""
    async with stage(refusal(429, **headers)) as here:
        said = await here.ask()
        assert (said.status, said.json["error"]["code"]) == (429, "rate_limited")
        assert least <= int(said.headers["retry-after"]) <= most


async def test_a_limit_that_does_not_say_how_long_and_does_not_end(stage, streamed):
    """Row 26: at most three attempts, and none of them on the same token."""
    async with stage(refusal(429), tokens=[*TOKENS, "third-token", "fourth-token"]) as here:
        said = await here.ask(stream=streamed)
        assert said.status == 429
        assert len({seen.headers["authorization"] for seen in here.a.seen}) == len(here.a.seen) == 3


async def test_all_tokens_resting(stage, streamed):
    """Row 27: the shortest wait is told, no upstream is troubled, and nothing gets longer by asking."""
    limits = in_turn(refusal(429, Retry_After="900"), refusal(429, Retry_After="600"))
    async with stage(limits, tokens=TOKENS) as here:
        refused(await here.ask(stream=streamed), 429, "rate_limited", after=600)
        until = [rest.until for _, _, rest in here.kept().pool.states()]
        for _ in range(3):
            said = await here.ask(stream=streamed)
            assert said.status == 429
            assert 590 <= int(said.headers["retry-after"]) <= 600
        assert len(here.a.seen) == 2
        assert [rest.until for _, _, rest in here.kept().pool.states()] == until


# Failures of the upstream


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
async def test_a_failure_that_passes(stage, streamed, status):
    """Row 28: once more is enough, and the caller sees nothing of it."""
    async with stage(in_turn(refusal(status), GOOD)) as here:
        answered(await here.ask(stream=streamed))
        assert len(here.a.seen) == 2


@pytest.mark.parametrize(
    ("status", "ours", "after"), [(500, 502, None), (502, 502, None), (503, 503, 5), (504, 502, None), (529, 503, 5)]
)
async def test_a_failure_that_stays(stage, streamed, status, ours, after):
    """Row 29: two attempts, then the next target, else the status that it had."""
    async with stage(refusal(status, "It broke."), GOOD) as here:
        said = await here.ask(stream=streamed)
        refused(said, ours, f"upstream_http_{status}", after=after, saying="It broke.")
        assert len(here.a.seen) == 2
        answered(await here.ask(stream=streamed, model="both"))
        assert here.rests == {}


async def test_an_overload_that_says_how_long(stage, streamed):
    """Row 29."""
    async with stage(refusal(503, Retry_After="42")) as here:
        refused(await here.ask(stream=streamed), 503, "upstream_http_503", after=42)


async def test_failures_bench_the_upstream(stage):
    """Row 29: after three of them others go first."""
    async with stage(refusal(500), GOOD) as here:
        for _ in range(2):
            answered(await here.ask(model="both"))
        answered(await here.ask(model="both"))
        assert len(here.a.seen) == 4


@pytest.mark.parametrize("status", [500, 503, 429, 401, 418])
async def test_a_failure_without_a_word(stage, streamed, impatient, status):
    """Row 30."""
    async with stage(replies(status)) as here:
        said = await here.ask(stream=streamed)
        assert said.status >= 429
        assert f"The upstream answered {status} without a body." in told(said)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 502, 503])
async def test_a_web_page_keeps_the_status_it_came_with(stage, streamed, impatient, status):
    """Rows 29 and 33: proxies say everything in HTML. None of it goes on."""
    async with stage(replies(status, page("nginx", "secret"), content_type="text/html", Retry_After="9")) as here:
        said = await here.ask(stream=streamed)
        expected = {401: 503, 404: 502, 500: 502}.get(status, status)
        assert said.status == expected
        assert said.headers.get("retry-after") == ("9" if status in {429, 503} else None)
        assert b"nginx" not in said.raw
        assert b"<" not in said.body


async def test_json_that_is_called_a_web_page(stage, streamed):
    """Row 36: it is read all the same."""
    body = {"error": {"message": "Bad key.", "code": "invalid_api_key"}}
    async with stage(replies(401, body, content_type="text/html; charset=UTF-8")) as here:
        refused(await here.ask(stream=streamed), 503, NO_CREDENTIALS, saying="Bad key.")


# Successes that are none


@pytest.mark.parametrize("as_event", [False, True], ids=["31 as JSON", "32 as an event"])
@pytest.mark.parametrize(
    ("error", "status", "code", "rest"),
    [
        ({"message": "Slow.", "type": "rate_limit_error", "code": 429}, 429, "rate_limited", "rate_limited"),
        ({"message": "Slow.", "type": "rate_limit_exceeded"}, 429, "rate_limited", "rate_limited"),
        ({"message": "Busy.", "type": "overloaded_error"}, 503, "upstream_http_529", None),
        ({"message": "Bad key.", "code": "invalid_api_key"}, 503, NO_CREDENTIALS, NO_CREDENTIALS),
        ({"message": "No credit.", "code": "insufficient_quota"}, 429, "insufficient_quota", "insufficient_quota"),
        (
            {"message": "maximum context length is 9", "type": "invalid_request_error"},
            400,
            "context_length_exceeded",
            None,
        ),
        ({"message": "It broke.", "code": 500}, 502, "upstream_http_500", None),
        ({"message": "It broke."}, 502, "upstream_stream_error", None),
        ("It broke.", 502, "upstream_stream_error", None),
    ],
)
async def test_a_success_with_an_error_inside(stage, streamed, impatient, as_event, error, status, code, rest):
    """Rows 31 and 32: the error counts, with all that follows from it."""
    body = {"error": error}
    async with stage(says(event(body), DONE) if as_event else replies(200, body)) as here:
        said = await here.ask(stream=streamed)
        assert (said.status, said.json["error"]["code"]) == (status, code)
        assert told(said) == (error if isinstance(error, str) else error["message"])
        assert list(here.rests.values()) == ([rest] if rest else [])


async def test_a_first_event_that_is_an_error_and_another_target(stage, streamed):
    """Row 32."""
    async with stage(says(delta(role="assistant"), event({"error": {"message": "Busy.", "code": 529}})), GOOD) as here:
        answered(await here.ask(stream=streamed, model="both"))


async def test_a_web_page_for_an_answer(stage, streamed):
    """Row 33: its first words, without its tags."""
    body = page("Log in", "Please log in. " * 20)
    async with stage(replies(200, body, content_type="text/html")) as here:
        said = await here.ask(stream=streamed)
        refused(said, 502, "upstream_bad_response", saying="with a web page: Log in Please log in.")
        assert len(told(said)) < 140


@pytest.mark.parametrize(
    "script",
    [
        replies(200, b"", content_type="text/event-stream"),
        replies(200, b"", content_type="application/json"),
        says(),
        says(DONE),
        says(delta(role="assistant", content=""), delta("stop"), DONE),
        says(b": nothing\n\n"),
        replies(200, {"choices": [{"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}]}),
    ],
    ids=["no bytes", "no JSON", "no event", "only DONE", "no words", "a comment", "no text"],
)
async def test_nothing_is_no_answer(stage, streamed, script):
    """Row 34: once more, then an error; never an empty success."""
    async with stage(script) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_empty")
        assert len(here.a.seen) == 2
    async with stage(in_turn(script, GOOD)) as here:
        answered(await here.ask(stream=streamed))


@pytest.mark.parametrize("head", [b"204 No Content", b"302 Found", b"304 Not Modified", b"205 Reset Content"])
async def test_a_status_that_can_hold_no_answer(stage, streamed, head):
    """Row 35."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")

    async with stage(script) as here:
        said = await here.ask(stream=streamed)
        assert said.status == 502
        assert said.json["error"]["code"].startswith("upstream_")


@pytest.mark.parametrize("interim", [b"103 Early Hints", b"100 Continue"])
async def test_an_interim_answer_alone(stage, streamed, interim):
    """Row 35."""

    async def script(_: Seen, wire: Wire) -> None:
        await wire.raw(b"HTTP/1.1 " + interim + b"\r\n\r\n")
        wire.close()

    async with stage(script) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_unreachable")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream"])
async def test_a_stream_under_another_name(stage, streamed, content_type):
    """Row 36."""
    async with stage(says(HELLO, END, content_type=content_type)) as here:
        answered(await here.ask(stream=streamed))


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain"])
async def test_a_whole_answer_under_another_name(stage, streamed, content_type):
    """Row 36."""
    whole = {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
    async with stage(replies(200, whole, content_type=content_type)) as here:
        answered(await here.ask(stream=streamed))


# What must not leave


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503, 418])
@pytest.mark.parametrize("canary", [TOKENS[0], EXTRA])
async def test_an_error_that_quotes_our_credentials(stage, streamed, impatient, status, canary):
    """Row 37: in the message, in the parameter, in another field of it; the stage looks for them everywhere."""
    async with stage(refusal(status, f"The model or key '{canary}' is wrong.", param=canary, code=canary)) as here:
        said = await here.ask(stream=streamed)
        assert said.status >= 400
        assert "[redacted]" in told(said) or status == 404


async def test_a_long_error_that_is_cut_within_a_credential(stage, streamed):
    """Row 37: a part of a secret is a secret."""
    for length in range(470, 500, 3):
        async with stage(refusal(422, "x " * (length // 2) + TOKENS[0] + " and so on" * 9)) as here:
            said = await here.ask(stream=streamed)
            assert b"canary" not in said.raw
            assert b"tok-" not in said.raw


@pytest.mark.parametrize(
    "body",
    [
        page(TOKENS[0], EXTRA),
        page("Error", "x" * 70 + " " + TOKENS[0]),
        json.dumps({"message": TOKENS[0]}).encode(),
        f"plain {TOKENS[0]}".encode(),
        json.dumps({"detail": [{"msg": EXTRA, "loc": [TOKENS[0]]}]}).encode(),
    ],
)
async def test_other_forms_that_quote_our_credentials(stage, streamed, body):
    """Row 37."""
    for status in (200, 500):
        async with stage(replies(status, body, content_type="text/html" if body[:1] == b"<" else "text/plain")) as here:
            said = await here.ask(stream=streamed)
            assert said.status == 502
            assert b"canary" not in said.raw


async def test_an_error_in_mid_answer_that_quotes_our_credentials(stage, streamed):
    """Row 37."""
    script = says(HELLO, event({"error": {"message": f"Bad {TOKENS[0]}", "param": EXTRA}}))
    async with stage(script) as here:
        failed(
            await here.ask(stream=streamed), 502, "upstream_stream_error", streamed=streamed, saying="Bad [redacted]"
        )


async def test_an_error_that_names_internal_addresses(stage, streamed):
    """R2: no address of an upstream goes out."""
    async with stage(refusal(500, "POST http://10.0.0.7:8080/v1?api_key=zzz failed")) as here:
        refused(await here.ask(stream=streamed), 502, "upstream_http_500", saying="POST [redacted] failed")


async def test_text_may_look_like_a_secret(stage):
    """The redactor is for errors: what a model says is the caller's."""
    async with stage(says(text("Bearer abcdefghijkl"), END)) as here:
        answered(await here.ask(stream=True), "Bearer abcdefghijkl")
        broken = await here.ask(stream=True, model="nobody/x")
        refused(broken, 404, "model_not_found")
