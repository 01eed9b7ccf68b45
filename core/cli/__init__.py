"""The command line: `any2api serve | check | models | chat | secrets | package`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from core.chat.errors import ChatError, ConfigError, InvalidRequest
from core.chat.redact import redact
from core.chat.settings import Settings
from core.cli import chat, check, models, secrets, serve
from core.cli.package import aws, gcp
from core.config import DEFAULT_FILE, load, located

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code says how it went."""
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows another
    try:
        return _run(arguments)
    except ConfigError as error:
        print(error, file=sys.stderr)
    except ChatError as error:
        print(f"error: {redact(error.message)}", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has gone; the interpreter must not flush into the void either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _run(arguments: argparse.Namespace) -> int:
    store = {"SECRETS_URL": arguments.store} if "store" in arguments and arguments.store else {}
    settings = load({**os.environ, **store}, arguments.config)
    try:
        code = _command(settings, arguments)
    except ConfigError as error:
        raise located(error, settings.source) from None
    sys.stdout.flush()  # here, where a reader that has gone is still ours to handle
    return code


def _command(settings: Settings, arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "serve":
            return serve.run(settings, arguments.host, arguments.port)
        case "check":
            return check.run(settings)
        case "models":
            return models.run(settings)
        case "secrets":
            return _secrets(settings, arguments)
        case "package":
            return _package(settings, arguments)
        case _:
            return chat.run(settings, *_model_and_text(arguments))


def _secrets(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        return secrets.list_names(settings)
    if arguments.value:
        raise InvalidRequest("A value does not belong on the command line, where others see it; write it to our input.")
    return secrets.write(settings, arguments.name, rotate=arguments.action == "rotate")


def _package(settings: Settings, arguments: argparse.Namespace) -> int:
    if not check.are_in_order(settings):
        return 1
    if arguments.platform == "aws":
        return aws.run(settings, arguments.arch, arguments.python, arguments.folder)
    return gcp.run(settings, arguments.folder)


def _model_and_text(arguments: argparse.Namespace) -> tuple[str | None, str]:
    """The model, None where none was named, and what to say to it."""
    words: list[str] = arguments.words
    if arguments.model is None and len(words) > 1:
        return words[0], " ".join(words[1:])
    return arguments.model, " ".join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "any2api", description="Speaks the OpenAI API in front of chat services that don't."
    )
    parser.add_argument("--version", action="version", version=f"any2api {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument(
        "--config", metavar="FILE", help=f"the settings (default: $ANY2API_CONFIG, else ./{DEFAULT_FILE})"
    )
    serving = commands.add_parser("serve", parents=[given], help="serve the API on this machine")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serving.add_argument("--port", type=_port, default=8000, help="port to listen on (default: %(default)s)")
    commands.add_parser("check", parents=[given], help="say what is wrong with the settings")
    commands.add_parser("models", parents=[given], help="list the models that can be asked for")
    chatting = commands.add_parser(
        "chat",
        parents=[given],
        usage="%(prog)s [--config FILE] [MODEL | --model MODEL] TEXT",
        help="ask a model something, here in the terminal",
    )
    chatting.add_argument("--model", metavar="MODEL", help="the model to ask (default: the first there is)")
    chatting.add_argument(
        "words", nargs="+", metavar="TEXT", help="what to say; the model first, unless --model names it"
    )
    _add_secret_actions(commands.add_parser("secrets", help="write the secrets that the settings name"), given)
    _add_platforms(commands.add_parser("package", help="make the zip of a function"), given)
    return parser


def _add_platforms(parser: argparse.ArgumentParser, given: argparse.ArgumentParser) -> None:
    """`any2api package aws | gcp`."""
    platforms = parser.add_subparsers(dest="platform", metavar="PLATFORM", required=True)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--folder", default="dist", help="where it goes (default: %(default)s)")
    does = "Makes a zip for AWS Lambda."
    lambda_ = platforms.add_parser("aws", parents=[given, where], help="for AWS Lambda", description=does)
    lambda_.add_argument("--arch", choices=["arm64", "x86_64"], default="arm64", help="(default: %(default)s)")
    lambda_.add_argument(
        "--python", choices=["3.11", "3.12", "3.13"], default="3.13", help="of the function (default: %(default)s)"
    )
    does = "Makes the source of a Google Cloud Function, in a folder and as a zip."
    platforms.add_parser("gcp", parents=[given, where], help="for Google Cloud Functions", description=does)


def _add_secret_actions(parser: argparse.ArgumentParser, given: argparse.ArgumentParser) -> None:
    """`any2api secrets set NAME | rotate NAME | list`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--store", metavar="URL", help="the store (default: $SECRETS_URL), such as ssm:///any2api/")
    for action, does in (
        ("set", "write a secret; its value comes from standard input"),
        ("rotate", "the same, and keep what it held beside the new value, so that both are valid for a while"),
        ("list", "the names that are there, and those that are not but should be"),
    ):
        acting = actions.add_parser(action, parents=[given, where], help=does, description=does)
        if action != "list":
            acting.add_argument("name", metavar="NAME")
            acting.add_argument("value", nargs="*", help=argparse.SUPPRESS)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 (any free one) to 65535")
    return port


def _version() -> str:
    try:
        return version("any2api")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
