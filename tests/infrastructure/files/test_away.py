"""A store that is away while an operation goes on: nothing is charged twice, nor lost that can be asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.errors import OperationFailed, OperationPending, StoreUnavailable
from domain.operation import Charged, Dispatched, Released, Requested
from infrastructure.service import Studio
from tests.application.studios import (
    BLIND,
    JOBS,
    LOCAL,
    LONG_AFTER,
    SYNC,
    charged,
    count,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
)
from tests.faults.killed import request_for
from tests.objects import Server
from tests.wire.proxy import Fault, Proxy, proxied

ACCOUNT = "acme"


@pytest.fixture
def proxy(swift: Server) -> Iterator[Proxy]:
    with proxied("127.0.0.1", swift.port) as proxy:
        yield proxy


class Desk:
    """A studio's database and folder, whose files are in a bucket behind the proxy."""

    def __init__(self, url: str, home: Path, settings: dict[str, Any]) -> None:
        self.url, self.home, self.settings = url, home, settings

    @asynccontextmanager
    async def studio(self, by: int = 0) -> AsyncIterator[Studio]:
        async with studio_on(self.url, self.home, clock=later(by), **self.settings) as studio:
            yield studio


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, swift: Server, proxy: Proxy) -> Desk:
    settings = {**swift.settings(swift.bucket(), url=proxy.url), "s3_seconds": 1}
    desk = Desk(database_url, tmp_path, settings)
    async with desk.studio() as studio:
        await studio.accounts.open(ACCOUNT, plan="pro")
    return desk


async def test_a_request_whose_input_cannot_be_kept_is_not_recorded(desk: Desk, proxy: Proxy) -> None:
    async with desk.studio() as studio:
        proxy.next(Fault("stall", b"PUT"))
        with pytest.raises(StoreUnavailable, match="does not answer in time"):
            await studio.operations.upscale(picture(), account=ACCOUNT, allow="stand-in")
        assert count(facts_of(studio, ACCOUNT), Requested) == 0
        assert (await studio.accounts.show(ACCOUNT)).open == 0
        proxy.thaw()
        result = await studio.operations.upscale(picture(), account=ACCOUNT, allow="stand-in")
        assert result.status == "charged"
        assert await is_sound(studio)


@pytest.mark.parametrize("model", [SYNC, JOBS, LOCAL, BLIND])
async def test_an_output_that_cannot_be_kept_leaves_the_hold_and_is_settled_once(
    desk: Desk, proxy: Proxy, model: str
) -> None:
    async with desk.studio() as studio:
        if model == LOCAL:
            proxy.next(Fault("delay", b".png", seconds=0))  # the input
        proxy.next(Fault("stall", b".png"))
        with pytest.raises(OperationPending, match=r"it is recorded.*does not answer in time"):
            await studio.operations.run(request_for(model, ACCOUNT))
        facts = facts_of(studio, ACCOUNT)
        assert (count(facts, Dispatched), count(facts, Charged), count(facts, Released)) == (1, 0, 0)
        assert (await studio.accounts.show(ACCOUNT)).open == 1
        proxy.thaw()
    async with desk.studio(LONG_AFTER) as studio:
        [recovered] = await studio.upkeep.recover()
        assert recovered.phase == ("released" if model == BLIND else "charged")
        before = facts_of(studio, ACCOUNT)
        assert count(before, Charged) + count(before, Released) == 1
        if model == BLIND:
            with pytest.raises(OperationFailed):
                await studio.operations.run(request_for(model, ACCOUNT))
        else:
            [output] = (await studio.operations.run(request_for(model, ACCOUNT))).assets
            assert output.content
        assert charged(facts_of(studio, ACCOUNT)) == charged(before)
        assert await is_sound(studio)


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "drip"])
async def test_a_connection_that_fails_once_is_nobodys_trouble(desk: Desk, proxy: Proxy, kind: str) -> None:
    async with desk.studio() as studio:
        proxy.next(Fault(kind, b".png"))  # type: ignore[arg-type]
        result = await studio.operations.run(request_for(BLIND, ACCOUNT))
        assert (result.status, proxy.waiting) == ("charged", 0)
        assert count(facts_of(studio, ACCOUNT), Charged) == 1


async def test_a_result_whose_file_is_away_is_an_error_and_comes_whole_when_it_is_back(
    desk: Desk, proxy: Proxy
) -> None:
    async with desk.studio() as studio:
        request = request_for(SYNC, ACCOUNT)
        first = await studio.operations.run(request)
        proxy.next(Fault("stall", b"GET"))
        with pytest.raises(StoreUnavailable):
            await studio.operations.run(request)
        proxy.thaw()
        again = await studio.operations.run(request)
        assert again.repeated
        assert [output.content for output in again.assets] == [output.content for output in first.assets]


async def test_a_large_output_is_saved_and_streamed_from_the_bucket(
    database_url: str, tmp_path: Path, swift: Server
) -> None:
    settings: dict[str, Any] = swift.settings(swift.bucket())
    async with studio_on(database_url, tmp_path, largest_held=10, **settings) as studio:
        await studio.accounts.open(ACCOUNT, plan="pro")
        [output] = (await studio.operations.run(request_for(SYNC, ACCOUNT))).assets
        assert (output.held, output.path) == (None, None)
        await asyncio.to_thread(output.save_to, tmp_path / "copy.png")
        assert (tmp_path / "copy.png").read_bytes() == await asyncio.to_thread(lambda: output.content)
        assert b"".join(await asyncio.to_thread(list, output.stream())) == output.content
        assert not list(tmp_path.glob(".*.part"))
