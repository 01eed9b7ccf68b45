"""What the function tells CloudWatch, and what it never tells."""

from __future__ import annotations

from tests.handlers.aws.conftest import KEY
from tests.handlers.aws.test_aws_lambda import PROMPT, ask
from tests.handlers.aws.upstreams import fails, says, toml
from tests.support.lambda_stand_in import Lambda
from tests.support.upstream import upstream


def requests(function: Lambda) -> list[dict]:
    return [entry for entry in function.entries if entry.get("message") == "request"]


def metrics(function: Lambda) -> list[dict]:
    """Each set of metrics as names and values, once its form has been checked."""
    sets = [entry for entry in function.entries if "_aws" in entry]
    for entry in sets:
        (directive,) = entry["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "any2api"
        assert directive["Dimensions"] == [["service"]]
        assert all(metric["Name"] in entry for metric in directive["Metrics"])
    return [{name: value[0] for name, value in entry.items() if isinstance(value, list)} for entry in sets]


async def test_each_request_is_one_line_with_the_invocation_in_it(deploy, client):
    async with upstream(says("Hello")) as up, deploy(toml(up)) as function:
        for stream in (True, False):
            await ask(client, function.url, stream=stream)
        first, second = requests(function)
    assert first["function_request_id"] != second["function_request_id"]
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    for line in (first, second):
        assert (line["status"], line["model"], line["provider"], line["service"]) == (200, "m", "up", "any2api")
        assert (line["prompt_tokens"], line["completion_tokens"]) == (7, 11)
        assert line["xray_trace_id"] == "1-5bef4de7-ad49b0e87f6ef6c87fc2e700"
        assert line["request_id"].startswith("req_")


async def test_metrics_are_written_before_the_sandbox_freezes(deploy, client):
    async with upstream(says("Hello")) as up, deploy(toml(up)) as function:
        for stream in (True, False):
            await ask(client, function.url, stream=stream)
        first, second = metrics(function)
    assert (first["ColdStarts"], second["ColdStarts"]) == (1, 0)
    for values in (first, second):
        assert (values["Requests"], values["UpstreamErrors"]) == (1, 0)
        assert (values["TokensIn"], values["TokensOut"]) == (7, 11)
        assert values["FirstEvent"] >= 0


async def test_upstream_errors_are_counted_and_ours_are_not(deploy, client):
    async with upstream(fails) as up, deploy(toml(up)) as function:
        await ask(client, function.url)
        await client.get(f"{function.url}/v1/models")
        failed, refused = metrics(function)
    assert failed["UpstreamErrors"] == 1
    assert refused["UpstreamErrors"] == 0
    assert "FirstEvent" not in failed


async def test_neither_prompt_nor_answer_nor_key_is_written(deploy, client):
    """Also where powertools is told to log whole events, which hold all of them."""
    curious = {"POWERTOOLS_LOGGER_LOG_EVENT": "true", "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    async with upstream(says("an-answer-of-no-concern")) as up, deploy(toml(up), **curious) as function:
        await ask(client, function.url)
        await ask(client, function.url, stream=True)
        assert len(requests(function)) == 2
        log = "\n".join(function.log)
    for secret in (PROMPT, "an-answer-of-no-concern", KEY):
        assert secret not in log
