"""Forms, read back by the standard library's reader of mail, which knows nothing of ours."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser

from core.chat.media import Upload
from core.wire.multipart import Form, form


def parts(encoded: Form) -> list[Message]:
    message = BytesParser().parsebytes(f"Content-Type: {encoded.content_type}\r\n\r\n".encode() + encoded.content)
    assert message.is_multipart()
    assert message.defects == []
    read: list[Message] = message.get_payload()  # type: ignore[assignment]  # it is multipart
    return read


def test_fields_and_files_arrive_as_they_were_in_their_order() -> None:
    every_byte = bytes(range(256)) + b"\r\n--\r\n"
    read = parts(
        form([("model", "whisper-1"), ("file", Upload("a.mp3", "audio/mpeg", every_byte)), ("prompt", "ü\r\n€")])
    )
    assert [part.get_param("name", header="content-disposition") for part in read] == ["model", "file", "prompt"]
    assert [part.get_payload(decode=True) for part in read] == [b"whisper-1", every_byte, "ü\r\n€".encode()]
    assert (read[1].get_filename(), read[1].get_content_type()) == ("a.mp3", "audio/mpeg")
    assert read[0].get_filename() is None


def test_a_name_may_come_more_than_once() -> None:
    read = parts(form([("include[]", "a"), ("include[]", "b")]))
    assert [part.get_payload() for part in read] == ["a", "b"]


def test_no_name_or_type_breaks_out_of_its_line() -> None:
    bad = Upload('x"\r\nX-Evil: 1\r\n\r\n.mp3', "audio/mpeg\r\nX-Evil: 2", b"sound")
    (part,) = parts(form([('n"\r\nX-Evil: 3', bad)]))
    assert "X-Evil" not in part
    assert part.get_filename() == "x%22%0D%0AX-Evil: 1%0D%0A%0D%0A.mp3"
    assert part.get_payload(decode=True) == b"sound"


def test_a_file_name_is_sent_as_utf8() -> None:
    assert 'filename="Grüße.mp3"'.encode() in form([("file", Upload("Grüße.mp3", "audio/mpeg", b""))]).content


def test_half_a_surrogate_pair_does_no_harm() -> None:
    (part,) = parts(form([("prompt", "a\ud800b")]))
    assert part.get_payload(decode=True) == b"a?b"


def test_no_content_can_be_taken_for_the_boundary() -> None:
    assert form([("a", "b")]).content_type != form([("a", "b")]).content_type
