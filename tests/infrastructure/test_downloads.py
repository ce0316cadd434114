"""A file is fetched whole, from where it may be fetched, within limits of size and time; or it is not fetched."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trustme

from application.ports import DownloadFailed, DownloadGone, DownloadRefused
from infrastructure.downloads import INFLATED, MOST_MOVES, USUAL, DownloadPatience, Gzip, HttpDownloads
from infrastructure.guard import Wires
from tests.application.support import PATIENCE
from tests.infrastructure.sites import (
    LOOPBACK,
    PUBLIC,
    Internet,
    Names,
    Script,
    Site,
    answer,
    at_once,
    dripping,
    moved,
    running_site,
    silent,
)

LIMIT = 1_000_000
IN_NO_TIME = DownloadPatience(total=0.2, idle=20, connect=20)
"""Over before a drip or a silent server ends, which is never."""

QUICKLY_BORED = DownloadPatience(total=20, idle=0.1, connect=20)
NOBODY_BELIEVED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
BODY = b"not much, but whole"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@asynccontextmanager
async def downloading(
    *own: str, patience: DownloadPatience = USUAL, proxy: str = "", wires: Wires | None = None
) -> AsyncIterator[HttpDownloads]:
    downloads = HttpDownloads(own, patience=patience, proxy=proxy, wires=wires or Wires(tls=NOBODY_BELIEVED))
    try:
        yield downloads
    finally:
        await downloads.close()


async def read(downloads: HttpDownloads, url: str, limit: int = LIMIT) -> bytes:
    async with asyncio.timeout(PATIENCE), downloads.open(url, limit) as content:
        return b"".join([piece async for piece in content])


async def fetch(site: Site, url: str, limit: int = LIMIT, patience: DownloadPatience = USUAL) -> bytes:
    """From a site that may be fetched from although it is on this machine."""
    async with downloading(site.origin, patience=patience) as downloads:
        return await read(downloads, url, limit)


async def refusal(site: Site, *answers: bytes | Script, limit: int = LIMIT, patience: DownloadPatience = USUAL) -> str:
    """How a file that never will be fetched is refused."""
    with pytest.raises(DownloadRefused) as caught:
        await fetch(site, site.put("/a?key=secret", *answers), limit, patience)
    return told(caught.value)


async def failure(site: Site, *answers: bytes | Script, patience: DownloadPatience = USUAL) -> str:
    """How a fetch fails that may be tried again."""
    with pytest.raises(DownloadFailed) as caught:
        await fetch(site, site.put("/a?key=secret", *answers), patience=patience)
    assert not isinstance(caught.value, DownloadGone)
    return told(caught.value)


def told(error: DownloadFailed) -> str:
    assert "secret" not in str(error)
    assert "/a" not in str(error)
    return str(error)


# What is fetched


async def test_a_file_comes_whole(site: Site) -> None:
    assert await fetch(site, site.put("/a?b=c%20d", answer(BODY))) == BODY
    assert site.asked == ["/a?b=c%20d"]


async def test_a_large_file_comes_in_small_pieces(site: Site) -> None:
    body = bytes(range(256)) * 4_000
    url = site.put("/a", answer(body))
    async with downloading(site.origin) as downloads, downloads.open(url, len(body)) as content:
        pieces = [piece async for piece in content]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) < len(body) / 4


async def test_what_is_asked_names_the_server_and_wants_no_compression(site: Site) -> None:
    await fetch(site, site.put("/a", answer(BODY)))
    [head] = site.heads
    assert f"Host: {LOOPBACK}:{site.port}\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert "cookie" not in head.lower()
    assert "authorization" not in head.lower()


async def test_a_file_without_a_length_comes_whole(site: Site) -> None:
    assert await fetch(site, site.put("/a", answer(BODY, length=-1))) == BODY
    chunked = answer(b"5\r\nhello\r\n0\r\n\r\n", length=-1, Transfer_Encoding="chunked")
    assert await fetch(site, site.put("/b", chunked)) == b"hello"


async def test_an_empty_file_is_a_file(site: Site) -> None:
    assert await fetch(site, site.put("/a", answer(b""))) == b""


async def test_many_are_fetched_at_once(site: Site) -> None:
    urls = [site.put(f"/{number}", answer(b"%d" % number)) for number in range(50)]
    async with downloading(site.origin) as downloads:
        bodies = await asyncio.gather(*(read(downloads, url) for url in urls))
    assert bodies == [b"%d" % number for number in range(50)]


async def test_a_reader_that_has_enough_may_stop(site: Site) -> None:
    url = site.put("/a", dripping(answer(length=LIMIT)))
    async with asyncio.timeout(PATIENCE), downloading(site.origin) as downloads, downloads.open(url, LIMIT) as content:
        assert await anext(aiter(content)) == b"x"


async def test_what_goes_wrong_with_its_reader_is_the_readers_own(site: Site) -> None:
    async with downloading(site.origin) as downloads:
        with pytest.raises(TimeoutError, match="of the reader"):
            async with downloads.open(site.put("/a", answer(BODY)), LIMIT):
                raise TimeoutError("of the reader")


# Size


async def test_a_file_may_have_just_as_many_bytes_as_are_accepted(site: Site) -> None:
    assert await fetch(site, site.put("/a", answer(BODY)), limit=len(BODY)) == BODY


async def test_a_file_that_says_it_is_too_large_is_not_read(site: Site) -> None:
    message = await refusal(site, silent(answer(length=LIMIT + 1)))
    assert message == "it has 1000001 bytes; at most 1000000 are accepted"


@pytest.mark.parametrize(
    "head", [answer(length=-1), answer(length=-1, Transfer_Encoding="chunked")], ids=["until closed", "chunked"]
)
async def test_a_file_that_does_not_say_how_large_it_is_is_read_up_to_the_limit(site: Site, head: bytes) -> None:
    drop = b"400\r\n" + bytes(1024) + b"\r\n" if b"chunked" in head else bytes(1024)
    assert "more than 5000 bytes" in await refusal(site, dripping(head, drop), limit=5_000)


async def test_a_file_that_ends_before_its_length_has_failed(site: Site) -> None:
    assert await failure(site, answer(BODY, length=len(BODY) + 1)) == "the connection failed: RemoteProtocolError"


async def test_a_file_whose_last_chunk_never_comes_has_failed(site: Site) -> None:
    await failure(site, answer(b"5\r\nhello\r\n", length=-1, Transfer_Encoding="chunked"))


# Compression


async def test_a_file_that_is_compressed_all_the_same_is_decompressed(site: Site) -> None:
    body = bytes(range(256)) * 2_000
    page = answer(gzip.compress(body), Content_Encoding="gzip")
    assert await fetch(site, site.put("/a", page)) == body


async def test_a_bomb_counts_as_what_it_would_become(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < LIMIT / 10
    assert "more than 1000000 bytes" in await refusal(site, answer(bomb, Content_Encoding="gzip"))


async def test_a_bomb_is_never_in_memory(site: Site) -> None:
    url = site.put("/a", answer(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip"))
    async with downloading(site.origin) as downloads, downloads.open(url, 5_000_000) as content:
        assert max([len(piece) async for piece in content]) <= INFLATED


SQUEEZED = gzip.compress(BODY, mtime=0)
DAMAGED = {
    "cut short": SQUEEZED[:-9],
    "more after its end": SQUEEZED + b"more",
    "another compression": zlib.compress(BODY),
    "none at all": BODY,
    "nothing": b"",
}


@pytest.mark.parametrize("case", DAMAGED)
async def test_damaged_compression_has_failed(site: Site, case: str) -> None:
    assert await failure(site, answer(DAMAGED[case], Content_Encoding="gzip")) == "its compression is damaged"


def test_what_goes_on_after_the_end_of_its_compression_is_damaged() -> None:
    gzip_stream = Gzip()
    assert b"".join(gzip_stream.inflate(SQUEEZED)) == BODY
    with pytest.raises(DownloadFailed, match="damaged"):
        list(gzip_stream.inflate(b"more"))


async def test_a_coding_that_was_not_asked_for_is_refused(site: Site) -> None:
    assert "coding" in await refusal(site, answer(BODY, Content_Encoding="br"))


# What the server answers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_file_that_the_server_will_not_give_is_gone(site: Site, status: int) -> None:
    with pytest.raises(DownloadGone, match=f"{LOOPBACK} answers {status}") as caught:
        await fetch(site, site.put("/a?key=secret", answer(BODY, status)))
    told(caught.value)
    assert not isinstance(caught.value, DownloadRefused)


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 408, 425, 429, 500, 502, 503, 599])
async def test_any_other_answer_may_be_another_next_time(site: Site, status: int) -> None:
    assert await failure(site, answer(status=status)) == f"{LOOPBACK} answers {status}"


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200", b"SSH-2.0-OpenSSH\r\n\r\n", b"\x16\x03\x01\x02\x00" * 9],
    ids=["nothing", "half", "ssh", "tls"],
)
async def test_a_server_that_speaks_no_http_has_failed(site: Site, start: bytes) -> None:
    assert "the connection failed" in await failure(site, start)


async def test_a_head_without_an_end_has_failed(site: Site) -> None:
    endless = b"X-Padding: " + b"x" * 10_000 + b"\r\n"
    assert "the connection failed" in await failure(site, at_once(b"HTTP/1.1 200 OK\r\n", *[endless] * 100))


async def test_a_server_that_is_not_there_has_failed(site: Site) -> None:
    async with running_site() as other:
        gone = other.put("/a", answer(BODY))
    async with downloading(gone) as downloads:
        with pytest.raises(DownloadFailed, match="cannot be reached"):
            await read(downloads, gone)


# Time


async def test_a_server_that_falls_silent_has_failed(site: Site) -> None:
    for start in (b"", answer(length=10)[:20], answer(b"half", length=10)):
        assert await failure(site, silent(start), patience=QUICKLY_BORED) == "the server is silent"


async def test_a_file_that_drips_for_ever_has_failed(site: Site) -> None:
    drips = [answer(length=LIMIT), b"HTTP/1.1 200 OK\r\nX-Padding: "]
    for start in drips:
        assert "longer than 0.2 seconds" in await failure(site, dripping(start), patience=IN_NO_TIME)


async def test_the_time_counts_its_reader_too(site: Site) -> None:
    async with downloading(site.origin, patience=IN_NO_TIME) as downloads:
        with pytest.raises(DownloadFailed, match="longer than"):
            async with downloads.open(site.put("/a", answer(BODY)), LIMIT):
                await asyncio.Event().wait()


async def test_whoever_is_cancelled_while_it_is_fetched_stays_cancelled(site: Site) -> None:
    async with downloading(site.origin) as downloads:
        fetching = asyncio.create_task(read(downloads, site.put("/a", silent(answer(length=9)))))
        await site.until_asked()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching


# Redirects


async def test_a_file_that_was_moved_is_fetched_from_where_it_is(site: Site) -> None:
    site.put("/there/b", answer(BODY))
    site.put("/there/a", moved("b"))
    assert await fetch(site, site.put("/a", moved("/there/a"))) == BODY
    assert site.asked == ["/a", "/there/a", "/there/b"]


async def test_a_file_may_be_moved_three_times(site: Site) -> None:
    for number in range(MOST_MOVES + 1):
        site.put(f"/{number}", moved(f"/{number + 1}"))
    site.put(f"/{MOST_MOVES + 1}", answer(BODY))
    assert await fetch(site, f"{site.origin}/1") == BODY
    with pytest.raises(DownloadRefused, match="redirects too often"):
        await fetch(site, f"{site.origin}/0")
    with pytest.raises(DownloadRefused, match="redirects too often"):
        await fetch(site, site.put("/round", moved("/round")))


@pytest.mark.parametrize(
    "location",
    ["http://localhost/a", "http://127.0.0.1/a", "http://169.254.169.254/latest/meta-data", "http://[::1]/a"]
    + ["http://[::ffff:127.0.0.1]/a", "http://2130706433/a", "http://10.0.0.1/a", "//127.0.0.2/a"],
)
async def test_a_file_that_was_moved_inside_is_refused(site: Site, location: str) -> None:
    assert "not on the public internet" in await refusal(site, moved(location))


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://files.test/a", "http://a:b@files.test/", "http://files.test:22/", "http://[::1"],
)
async def test_a_file_that_was_moved_to_where_nobody_goes_is_refused(site: Site, location: str) -> None:
    await refusal(site, moved(location))
    assert len(site.heads) == 1


async def test_a_move_to_nowhere_has_failed(site: Site) -> None:
    assert await failure(site, answer(status=302)) == f"{LOOPBACK} answers 302"


async def test_a_public_server_cannot_lead_inside(site: Site) -> None:
    names = Names(files_test=[[PUBLIC]], inside_test=[["10.0.0.7"]])
    internet = Internet(site)
    site.put("/a", moved("http://inside.test/admin"))
    async with downloading(wires=Wires(names, internet)) as downloads:
        with pytest.raises(DownloadRefused, match=r"inside\.test is not on the public internet"):
            await read(downloads, "http://files.test/a")
    assert internet.reached == [(PUBLIC, 80)]


async def test_a_server_on_this_machine_is_not_fetched_from_unless_it_is_our_own(site: Site) -> None:
    url = site.put("/a", answer(BODY))
    async with downloading() as downloads, downloading(f"{site.origin}/any/path") as own:
        with pytest.raises(DownloadRefused, match="port"):
            await read(downloads, url)
        assert await read(own, url) == BODY


# Names and TLS


@dataclass(frozen=True)
class Tls:
    """A server's context for the name files.test, and what a client must believe for it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls() -> Tls:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("files.test").configure_cert(server)
    authority.configure_trust(client)
    return Tls(server, client)


async def test_a_secure_server_is_connected_to_by_address_and_known_by_its_name(tls: Tls) -> None:
    async with running_site(tls.server) as site:
        site.put("/a", answer(BODY))
        internet = Internet(site)
        async with downloading(wires=Wires(Names(files_test=[[PUBLIC]]), internet, tls.client)) as downloads:
            assert await read(downloads, "https://files.test/a") == BODY
        assert internet.reached == [(PUBLIC, 443)]
        assert "Host: files.test\r\n" in site.heads[0]


async def test_a_secure_server_with_another_name_is_not_believed(tls: Tls) -> None:
    async with running_site(tls.server) as site:
        wires = Wires(Names(other_test=[[PUBLIC]]), Internet(site), tls.client)
        async with downloading(wires=wires) as downloads:
            with pytest.raises(DownloadFailed, match=r"not valid for 'other\.test'"):
                await read(downloads, "https://other.test/a")
        assert site.heads == []


async def test_a_server_whose_authority_is_unknown_is_not_believed(tls: Tls) -> None:
    async with running_site(tls.server) as site:
        async with downloading(wires=Wires(Names(files_test=[[PUBLIC]]), Internet(site))) as downloads:
            with pytest.raises(DownloadFailed, match="unable to get local issuer"):
                await read(downloads, "https://files.test/a")
        assert site.heads == []


async def test_a_name_that_leads_inside_the_second_time_is_refused_the_second_time(site: Site) -> None:
    names = Names(files_test=[[PUBLIC], [LOOPBACK]])
    internet = Internet(site)
    site.put("/a", answer(BODY))
    async with downloading(wires=Wires(names, internet)) as downloads:
        assert await read(downloads, "http://files.test/a") == BODY
        with pytest.raises(DownloadRefused):
            await read(downloads, "http://files.test/a")
    assert internet.reached == [(PUBLIC, 80)]


async def test_a_name_that_nobody_has_has_failed(site: Site) -> None:
    async with downloading(wires=Wires(Names(), Internet(site))) as downloads:
        with pytest.raises(DownloadFailed, match="cannot be reached"):
            await read(downloads, "http://nobody.test/a")


# Proxies


async def test_the_environments_proxies_are_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await fetch(site, site.put("/a", answer(BODY))) == BODY


async def test_a_proxy_that_was_chosen_resolves_names_and_connects(site: Site) -> None:
    site.pages["http://files.test/a"] = [at_once(answer(BODY))]
    async with downloading(proxy=site.origin) as downloads:
        assert await read(downloads, "http://files.test/a") == BODY


@pytest.mark.parametrize("url", ["http://10.0.0.1/a", "http://[::1]/a", "http://files.test:22/a", "ftp://files.test/a"])
async def test_a_proxy_is_not_asked_for_what_is_plainly_inside(site: Site, url: str) -> None:
    async with downloading(proxy=site.origin) as downloads:
        with pytest.raises(DownloadRefused):
            await read(downloads, url)
    assert site.heads == []


async def test_a_proxy_may_be_asked_for_what_is_our_own(site: Site) -> None:
    site.pages["http://10.0.0.1:9000/a"] = [at_once(answer(BODY))]
    async with downloading("http://10.0.0.1:9000", proxy=site.origin) as downloads:
        assert await read(downloads, "http://10.0.0.1:9000/a") == BODY
