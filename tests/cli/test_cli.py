"""The command line itself: arguments, exit codes, and errors of one line."""

import asyncio
from importlib.metadata import version

import pytest

from core.chat.errors import InvalidRequest
from core.cli import INTERRUPTED, _model_and_text, _parser, main

DEMO = '[providers.x]\nkind = "openai"\nmodels = ["m"]\n'


@pytest.fixture(autouse=True)
def settled(directory):
    (directory / "any2api.toml").write_text(DEMO)


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"any2api {version('any2api')}\n"


def test_help_says_how_to_chat(capsys):
    with pytest.raises(SystemExit) as left:
        main(["chat", "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("usage: any2api chat [--config FILE] [MODEL | --model MODEL] TEXT\n")


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["chat"], ["serve", "--port", "65536"], ["serve", "--port", "x"]]
)
def test_what_it_cannot_understand(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: any2api" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["serve"], ["check"], ["models"], ["chat", "hello"]])
def test_wrong_settings_are_one_line_with_their_place(command, capsys, directory):
    (directory / "any2api.toml").write_text(DEMO + 'base_url = "http://127.0.0.1:9"\nbase_ulr = 3\n')
    assert main(command) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("any2api.toml:5: providers.x.base_ulr: is not a setting of providers.x")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_the_file_may_be_named(capsys, directory):
    (directory / "other.toml").write_text("[gateway\n")
    assert main(["check", "--config", "other.toml"]) == 1
    assert capsys.readouterr().err.startswith("other.toml:1: ")


def test_an_error_is_one_line_without_secrets(capsys, monkeypatch):
    def fail(*_):
        raise InvalidRequest("It said Bearer sk-canary-0123456789.")

    monkeypatch.setattr("core.cli.models.run", fail)
    assert main(["models"]) == 1
    assert capsys.readouterr().err == "error: It said [redacted]\n"


def test_an_interruption_is_no_error(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.cli.models.run", interrupt)
    assert main(["models"]) == INTERRUPTED
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["hello there"], (None, "hello there")),
        (["m", "hello"], ("m", "hello")),
        (["m", "hello", "there"], ("m", "hello there")),
        (["--model", "m", "hello", "there"], ("m", "hello there")),
        (["hello", "--model", "m"], ("m", "hello")),
    ],
)
def test_model_and_text(arguments, expected):
    assert _model_and_text(_parser().parse_args(["chat", *arguments])) == expected


async def test_a_reader_that_leaves_early_is_no_crash(start):
    process = await start("check")
    process.stdout._transport.close()  # the reading end of the pipe is gone before anything is written
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err
