"""Secrets from the disk: a directory, or a file of lines."""

import stat

import pytest

from core.chat.errors import ConfigError, InvalidRequest, Unavailable
from core.chat.ports import WritableSecrets
from core.stores.file import Secrets, parse
from core.wire.client import HttpClient


def store(path) -> WritableSecrets:
    return Secrets(f"file://{path}", {}, HttpClient())


async def test_a_directory_has_one_file_for_each(tmp_path):
    (tmp_path / "KEY").write_text("value\n")
    (tmp_path / "TOKENS").write_text("one\ntwo\n")
    (tmp_path / "EMPTY").write_text("\n")
    (tmp_path / "SUB").mkdir()
    names = ["KEY", "TOKENS", "EMPTY", "SUB", "MISSING"]
    assert await store(tmp_path).fetch(names) == {"KEY": "value", "TOKENS": "one\ntwo"}


async def test_a_name_cannot_leave_the_directory(tmp_path):
    (tmp_path / "outside").write_text("x")
    (tmp_path / "inside").mkdir()
    assert await store(tmp_path / "inside").fetch(["../outside", str(tmp_path / "outside"), ".."]) == {}


async def test_a_file_has_lines(tmp_path):
    file = tmp_path / "my secrets.env"
    file.write_text("A=1\nB=2\nC=\n")
    assert await Secrets(f"file://{tmp_path}/my%20secrets.env", {}, HttpClient()).fetch(["A", "C", "X"]) == {"A": "1"}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("A=1", {"A": "1"}),
        ("  export A = 1  ", {"A": "1"}),
        ("A='it is # here'", {"A": "it is # here"}),
        ('A="quoted" # why', {"A": "quoted"}),
        ("A=plain # why", {"A": "plain"}),
        ("A=a#b=c==", {"A": "a#b=c=="}),
        ("A='", {"A": "'"}),
        ("A='x\"", {"A": "'x\""}),
        ("A=", {"A": ""}),
        ("# A=1", {}),
        ("nonsense", {}),
        ("", {}),
        ("A=1\r\nA=2\r\n", {"A": "2"}),
    ],
)
def test_lines(line, values):
    assert parse(line) == values


async def test_a_change_is_seen(tmp_path):
    for path in (tmp_path / "K", tmp_path / "lines.env"):
        secrets = store(tmp_path if path.name == "K" else path)
        path.write_text("old" if path.name == "K" else "K=old")
        assert await secrets.fetch(["K"]) == {"K": "old"}
        path.write_text("new" if path.name == "K" else "K=new")
        assert await secrets.fetch(["K"]) == {"K": "new"}


async def test_what_cannot_be_read_is_unavailable_and_names_no_path(tmp_path):
    no_text = tmp_path / "binary"
    no_text.write_bytes(b"K=\xff\xfe")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path / "missing", no_text, loop, no_text / "below"):
        with pytest.raises(Unavailable) as refused:
            await store(path).fetch(["K"])
        assert (refused.value.status, refused.value.code) == (503, "configuration_unavailable")
        assert str(refused.value) == "The secret store cannot be read."


async def test_permission_denied_is_unavailable(tmp_path, monkeypatch):
    (tmp_path / "K").write_text("x")

    def denied(*_):
        raise PermissionError(13, "Permission denied", str(tmp_path / "K"))

    monkeypatch.setattr("pathlib.Path.read_text", denied)  # root may read everything, so the bits alone prove nothing
    with pytest.raises(Unavailable) as refused:
        await store(tmp_path).fetch(["K"])
    assert str(tmp_path) not in str(refused.value)


def test_a_path_is_needed():
    with pytest.raises(ConfigError, match="environment: SECRETS_URL: needs a path"):
        Secrets("file://", {}, HttpClient())


async def test_a_directory_is_made_and_written_for_its_owner_only(tmp_path):
    secrets = store(f"{tmp_path}/deep/er/")
    await secrets.store("KEY", "old")
    await secrets.store("KEY", "one\ntwo # three")
    assert await secrets.fetch(["KEY"]) == {"KEY": "one\ntwo # three"}
    assert await secrets.names() == ["KEY"]
    assert stat.S_IMODE((tmp_path / "deep/er/KEY").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep/er").stat().st_mode) == 0o700


async def test_a_line_is_replaced_and_the_others_stay(tmp_path):
    file = tmp_path / "secrets.env"
    secrets = store(file)
    await secrets.store("A", "1")
    file.write_text("# mine\nexport A=old\nB='2'\nEMPTY=\n")
    await secrets.store("A", "x # y")
    assert file.read_text() == "# mine\nB='2'\nEMPTY=\nA='x # y'\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await secrets.names() == ["A", "B"]
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]


@pytest.mark.parametrize("value", ["plain", "a#b=c==", "a # b", "'", '"', "it's", '"quoted"', "ключ", "'a' # b"])
async def test_a_line_gives_back_what_was_written(tmp_path, value):
    secrets = store(tmp_path / "secrets.env")
    await secrets.store("A", value)
    assert await secrets.fetch(["A"]) == {"A": value}


@pytest.mark.parametrize("value", ["one\ntwo", "' # \""])
async def test_a_value_that_fits_into_no_line_is_refused(tmp_path, value):
    secrets = store(tmp_path / "secrets.env")
    await secrets.store("A", "old")
    with pytest.raises(InvalidRequest, match="fits into no line; use a directory"):
        await secrets.store("A", value)
    assert await secrets.fetch(["A"]) == {"A": "old"}


async def test_what_cannot_be_written_is_unavailable_and_names_no_path(tmp_path):
    with pytest.raises(Unavailable) as refused:
        await store(tmp_path / "missing" / "secrets.env").store("A", "1")
    assert str(refused.value) == "The secret store cannot be written."
    with pytest.raises(Unavailable, match="secret store cannot be read"):
        await store(tmp_path / "missing").names()
