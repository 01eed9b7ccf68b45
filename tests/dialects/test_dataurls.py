from __future__ import annotations

import pytest

from core.chat.errors import InvalidRequest
from core.dialects.dataurls import data_url, is_remote


@pytest.mark.parametrize(
    ("url", "picture"),
    [
        ("data:image/png;base64,iVBOR", ("image/png", "iVBOR")),
        ("DATA:Image/PNG;BASE64,iVBOR", ("image/png", "iVBOR")),
        ("data:image/png;charset=x; base64,A,A", ("image/png", "A,A")),
        ("data:image/svg+xml,%3Csvg/>", ("image/svg+xml", "PHN2Zy8+")),
        ("data:image/svg+xml;utf8,ä", ("image/svg+xml", "w6Q=")),
        ("data:image/png;base64,", ("image/png", "")),
    ],
)
def test_data_urls(url: str, picture: tuple[str, str]) -> None:
    assert data_url(url) == picture


@pytest.mark.parametrize(
    "url", ["", "data:", "data:image/png;base64", "data:text/plain;base64,YQ==", "data:,x", "https://x/a,b;base64"]
)
def test_what_holds_no_picture(url: str) -> None:
    with pytest.raises(InvalidRequest, match="only as data URLs") as refused:
        data_url(url, "messages[1]")
    assert (refused.value.code, refused.value.param) == ("invalid_image_url", "messages[1]")


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://x", True),
        ("HTTP://x", True),
        ("http:x", False),
        ("data:image/png;base64,http://", False),
        ("gs://bucket/a.png", False),
        ("", False),
    ],
)
def test_what_only_names_a_picture(url: str, remote: bool) -> None:
    assert is_remote(url) is remote
