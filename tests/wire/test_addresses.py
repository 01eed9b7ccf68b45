import socket
from collections.abc import Sequence

import pytest

from core.chat.errors import Retry, UpstreamError, UpstreamUnreachable
from core.wire.addresses import permitted_addresses, public_addresses, resolve

PUBLIC4, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07::1"


async def permitted(host: str, *found: str) -> list[str]:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return found

    return [str(address) for address in await permitted_addresses(host, 443, resolver)]


@pytest.mark.parametrize(
    ("host", "found", "expected"),
    [
        ("api.example.com", [PUBLIC4], [PUBLIC4]),
        ("api.example.com", [PUBLIC6, PUBLIC6, PUBLIC4, PUBLIC4], [PUBLIC6, PUBLIC4]),
        ("api.example.com", ["10.0.0.1", PUBLIC4], [PUBLIC4]),
        ("api.example.com", ["100.64.0.1"], ["100.64.0.1"]),
        ("ollama", ["10.0.0.7"], ["10.0.0.7"]),
        ("localhost", ["::1", "127.0.0.1"], ["::1", "127.0.0.1"]),
        ("localhost.", ["127.0.0.1"], ["127.0.0.1"]),
        ("box.local", ["192.168.1.2"], ["192.168.1.2"]),
        ("a.B.LOCALHOST.", ["127.0.0.1"], ["127.0.0.1"]),
        ("llm.internal", ["172.16.0.1"], ["172.16.0.1"]),
        ("llm.lan", ["fd00::1"], ["fd00::1"]),
        ("llm.home.arpa", ["192.168.1.2"], ["192.168.1.2"]),
        ("llm.test", ["127.0.0.1"], ["127.0.0.1"]),
        ("127.0.0.1", [], ["127.0.0.1"]),
        ("192.168.1.2", [], ["192.168.1.2"]),
        ("::1", [], ["::1"]),
    ],
)
async def test_permitted(host: str, found: list[str], expected: list[str]) -> None:
    assert await permitted(host, *found) == expected


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("api.example.com", "127.0.0.1"),
        ("api.example.com", "10.1.2.3"),
        ("api.example.com", "172.31.0.1"),
        ("api.example.com", "192.168.0.1"),
        ("api.example.com", "0.0.0.0"),
        ("api.example.com", "::1"),
        ("api.example.com", "::"),
        ("api.example.com", "fd00::1"),
        ("api.example.com", "::ffff:10.0.0.1"),
        ("api.example.com", "169.254.169.254"),
        ("127.1", "127.0.0.1"),
        ("notlocalhost.example", "127.0.0.1"),
        ("metadata", "169.254.169.254"),
        ("metadata.internal", "169.254.169.254"),
        ("metadata.internal", "::ffff:169.254.169.254"),
        ("box.local", "fe80::1%2"),
        ("169.254.169.254", ""),
        ("fe80::1", ""),
    ],
)
async def test_blocked(host: str, address: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await permitted(host, address)
    assert (caught.value.code, caught.value.status, caught.value.retry) == ("upstream_blocked", 502, Retry.OTHER_ROUTE)


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Retry.OTHER_ROUTE),
        (socket.gaierror(socket.EAI_NODATA, "No address"), Retry.OTHER_ROUTE),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Retry.SAME),
        (UnicodeError("label too long"), Retry.OTHER_ROUTE),
    ],
)
async def test_a_name_that_cannot_be_resolved(error: Exception, retry: Retry) -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        raise error

    with pytest.raises(UpstreamUnreachable, match=r"api\.example\.com") as caught:
        await permitted_addresses("api.example.com", 443, resolver)
    assert caught.value.retry is retry


async def test_the_operating_system_is_asked() -> None:
    assert set(await resolve("localhost", 80)) & {"127.0.0.1", "::1"}


async def test_the_metadata_server_is_reached_by_those_who_may_and_under_no_public_name() -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    found = await permitted_addresses("metadata.google.internal", 80, resolver, link_local=True)
    assert [str(address) for address in found] == ["169.254.169.254"]
    with pytest.raises(UpstreamError):
        await permitted_addresses("api.example.com", 80, resolver, link_local=True)


async def public(*found: str, private: bool = False) -> list[str] | None:
    """Where a name leads that somebody else chose; None for nowhere."""

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return found

    try:
        return [str(address) for address in await public_addresses("box.local", 80, resolver, private=private)]
    except UpstreamError:
        return None


@pytest.mark.parametrize(
    "address",
    [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7:ffff::",
        "2003::",
        "3ffe::",
        "64:ff9b::808:808",
    ],
)
async def test_public(address: str) -> None:
    assert await public(address) == [address]


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.255.255.255"),
        *("172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "::1", "fc00::", "fdff::1"),
        "64:ff9b::a00:1",
    ],
)
async def test_private(address: str) -> None:
    assert await public(address) is None
    assert await public(PUBLIC4, PUBLIC6, address) is None
    assert await public(address, private=True) == [address]


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.255.255.255", "100.100.100.200", "168.63.129.16", "169.254.0.0", "169.254.255.255"),
        *("192.0.0.0", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.0", "198.19.255.255", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"),
        *("::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
        *(
            "100::1",
            "1fff::",
            "2001::1",
            "2001:1ff::",
            "2001:db8::",
            "2002:5db8:d70e::",
            "3fff::1",
            "4000::",
            "5f00::1",
        ),
        *("fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%2", "febf::1", "fec0::1", "ff02::1"),
    ],
)
async def test_for_nobody(address: str) -> None:
    assert await public(address) is None
    assert await public(address, private=True) is None


async def test_the_best_public_address_of_each_family() -> None:
    assert await public(PUBLIC6, PUBLIC6, PUBLIC4, PUBLIC4) == [PUBLIC6, PUBLIC4]
    assert await public() is None
