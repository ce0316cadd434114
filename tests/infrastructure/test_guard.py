"""Only what is on the public internet is connected to, and only the very addresses that were judged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports import DownloadRefused
from infrastructure.guard import (
    MOST_ADDRESSES,
    PublicNetwork,
    Wires,
    check_url,
    is_public,
    origin_of,
    read_url,
    resolve,
)
from tests.infrastructure.sites import LOOPBACK, PUBLIC, Internet, Names, Site, running_site

NOT_PUBLIC = {
    "this network": ["0.0.0.0", "0.1.2.3"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "shared by carriers": ["100.64.0.1", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "cloud metadata": ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"],
    "protocol assignments": ["192.0.0.1", "192.0.0.170", "192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1"],
    "examples and benchmarks": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "100::1", "5f00::1"],
    "unspecified": ["::"],
    "unique local": ["fc00::1", "fdff::1"],
    "site-local": ["fec0::1"],
    "documentation": ["2001:db8::1", "3fff::1"],
    "teredo and other assignments": ["2001::1", "2001:0:4136:e378::1", "2001:20::1", "2620:4f:8000::1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"],
    "IPv4-compatible": ["::127.0.0.1", "::8.8.8.8"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8"],
}
ARE_PUBLIC = [
    *(PUBLIC, "1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
]


@pytest.mark.parametrize(("family", "address"), [(name, one) for name, many in NOT_PUBLIC.items() for one in many])
def test_an_address_that_not_everybody_may_mean_is_not_public(family: str, address: str) -> None:
    assert not is_public(address), family


@pytest.mark.parametrize("address", ARE_PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_what_python_knows_to_be_special_is_never_public(address: IPv4Address) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert not (special and is_public(str(address)))


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_is_as_public_as_the_ipv4_address_it_carries(address: IPv4Address) -> None:
    carriers = [(0xFFFF << 32) + int(address), (0x64FF9B << 96) + int(address), (0x2002 << 112) + (int(address) << 80)]
    assert {is_public(str(IPv6Address(carrier))) for carrier in carriers} == {is_public(str(address))}


@given(st.ip_addresses(v=6))
def test_what_is_no_global_unicast_is_never_public(address: IPv6Address) -> None:
    if address.ipv4_mapped is None and int(address) >> 32 != 0x64FF9B << 64:
        assert not is_public(str(address)) or int(address) >> 125 == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "not an http or https address"),
        ("ftp://files.test/a", "not an http or https address"),
        ("gopher://files.test/a", "not an http or https address"),
        ("//files.test/a", "not an http or https address"),
        ("https:///a", "not an http or https address"),
        ("relative/a", "not an http or https address"),
        ("", "not an http or https address"),
        ("https://ann:secret@files.test/a", "user name or password"),
        ("https://ann@files.test/a", "user name or password"),
        ("http://files.test:22/a", "port 22"),
        ("http://files.test:443/a", "port 443"),
        ("http://files.test:99999/a", "port 99999"),
        ("https://files.test:80/a", "port 80"),
        ("https://own.test:9001/a", "port 9001"),
        ("http://own.test:9000/a", "port 9000"),
    ],
)
def test_an_address_is_refused_before_its_name_is_resolved(url: str, why: str) -> None:
    with pytest.raises(DownloadRefused, match=why) as caught:
        check_url(read_url(url), {("https", "own.test", 9000)})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://files.test/a?b=c", "https://files.test:443/a", "HTTPS://FILES.test/a", "https://own.test:9000/a"],
)
def test_an_address_with_its_usual_port_or_of_our_own_is_let_by(url: str) -> None:
    check_url(read_url(url), {("https", "own.test", 9000)})


@pytest.mark.parametrize("url", ["https://[::1/a", "https://files.test:x/a", "https://\x00/"])
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(DownloadRefused, match="not a valid address") as caught:
        read_url(url)
    assert url not in str(caught.value)


def test_an_origin_is_compared_as_it_is_looked_up() -> None:
    assert origin_of(read_url("https://BÜCHER.test/a")) == ("https", "xn--bcher-kva.test", 443)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


async def connect(site: Site, *addresses: str, dead: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Where a connection to a name with these addresses went."""
    internet = Internet(site, dead)
    wires = Wires(Names(files_test=[list(addresses)]), internet)
    stream = await PublicNetwork((), wires).connect_tcp("files.test", 80, timeout=5)
    await stream.aclose()
    return internet.reached


async def test_what_is_connected_to_is_the_address_that_was_judged(site: Site) -> None:
    assert await connect(site, PUBLIC) == [(PUBLIC, 80)]


async def test_the_addresses_of_a_name_are_tried_in_their_order(site: Site) -> None:
    assert await connect(site, "1.1.1.1", PUBLIC, dead=("1.1.1.1",)) == [("1.1.1.1", 80), (PUBLIC, 80)]


async def test_a_name_has_few_tries(site: Site) -> None:
    many = [f"1.1.1.{number}" for number in range(100)]
    internet = Internet(site, many)
    network = PublicNetwork((), Wires(Names(files_test=[many]), internet))
    with pytest.raises(httpcore.ConnectError):
        await network.connect_tcp("files.test", 80)
    assert len(internet.reached) == MOST_ADDRESSES


@pytest.mark.parametrize("address", [one for many in NOT_PUBLIC.values() for one in many])
async def test_no_name_leads_inside(site: Site, address: str) -> None:
    internet = Internet(site)
    network = PublicNetwork((), Wires(Names(files_test=[[PUBLIC, address]]), internet))
    with pytest.raises(DownloadRefused, match=r"files\.test is not on the public internet") as caught:
        await network.connect_tcp("files.test", 80)
    assert address not in str(caught.value)
    assert internet.reached == []


async def test_an_answer_that_changes_after_the_check_reaches_nobody(site: Site) -> None:
    internet, names = Internet(site), Names(files_test=[[PUBLIC], [LOOPBACK]])
    network = PublicNetwork((), Wires(names, internet))
    stream = await network.connect_tcp("files.test", 80)
    await stream.aclose()
    assert (names.asked, internet.reached) == (["files.test"], [(PUBLIC, 80)])
    with pytest.raises(DownloadRefused):
        await network.connect_tcp("files.test", 80)
    assert internet.reached == [(PUBLIC, 80)]


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "::1", "127.0.0.1"])
async def test_no_way_of_writing_loopback_passes_the_systems_own_resolver(site: Site, host: str) -> None:
    internet = Internet(site)
    with pytest.raises((DownloadRefused, httpcore.ConnectError)):
        await PublicNetwork((), Wires(resolve, internet)).connect_tcp(host, 80)
    assert internet.reached == []


async def test_an_origin_of_our_own_may_be_inside_but_its_other_ports_may_not(site: Site) -> None:
    internet, names = Internet(site), Names(own_test=[[LOOPBACK]])
    network = PublicNetwork([("http", "own.test", 9000)], Wires(names, internet))
    stream = await network.connect_tcp("own.test", 9000)
    await stream.aclose()
    with pytest.raises(DownloadRefused):
        await network.connect_tcp("own.test", 80)
    assert internet.reached == [(LOOPBACK, 9000)]


@pytest.mark.parametrize("names", [Names(), Names(files_test=[[]])])
async def test_a_name_that_nobody_has_cannot_be_connected_to(site: Site, names: Names) -> None:
    with pytest.raises(httpcore.ConnectError):
        await PublicNetwork((), Wires(names, Internet(site))).connect_tcp("files.test", 80)


async def test_a_name_that_no_resolver_takes_cannot_be_connected_to(site: Site) -> None:
    with pytest.raises(httpcore.ConnectError):
        await PublicNetwork((), Wires(resolve, Internet(site))).connect_tcp("a" * 70 + ".test", 80)
