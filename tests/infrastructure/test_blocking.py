"""The blocking studio: the same results as the asynchronous one, from any thread, and closed for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from inspect import getmembers, iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from application.asking.operations import Operations
from application.asking.requests import Request
from application.keeping.accounts import Accounts
from application.keeping.providers import Providers
from application.keeping.upkeep import Upkeep
from domain.errors import InvalidInput, ShuttingDown, StoreError, UnknownAccount
from domain.money import Money
from infrastructure.blocking import (
    BlockingAccounts,
    BlockingOperations,
    BlockingProviders,
    BlockingStudio,
    BlockingUpkeep,
    open_blocking,
)
from infrastructure.service import Studio
from infrastructure.settings import Settings
from projections.views.usage import USAGE, UsageFilter

ACCOUNT = "acme"
SMALL: dict[str, Any] = {"width": 64, "height": 64}
CENT = Money(10_000, "USD")


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=sqlite_url)


@pytest.fixture
def studio(settings: Settings) -> Iterator[BlockingStudio]:
    with open_blocking(settings, serve=False) as studio:
        studio.accounts.open(ACCOUNT, plan="pro")
        yield studio


def test_an_operation_is_done_and_charged_without_an_event_loop(studio: BlockingStudio) -> None:
    result = studio.operations.generate("a lake", account=ACCOUNT, user="ann", **SMALL, allow="stand-in")
    assert (result.status, result.price) == ("charged", CENT)
    edited = studio.operations.edit(result.assets[0].content, "sepia", account=ACCOUNT, allow="stand-in")
    enlarged = studio.operations.upscale(edited.assets[0].content, account=ACCOUNT)
    assert enlarged.assets[0].asset.width == 128
    assert studio.accounts.show(ACCOUNT).used["spend"] == (result.price + edited.price + enlarged.price).micros


def test_threads_share_one_studio(studio: BlockingStudio) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda n: studio.operations.generate(f"tree {n}", account=ACCOUNT, **SMALL, allow="stand-in"), range(8)
            )
        )
    assert len({result.operation for result in results}) == 8
    assert studio.accounts.show(ACCOUNT).used["images"] == 8


def test_what_is_submitted_is_waited_for(studio: BlockingStudio) -> None:
    submission = studio.operations.submit(
        Request("text-to-image", ACCOUNT, {"prompt": "a lake", **SMALL}, allow="stand-in")
    )
    assert studio.operations.wait(submission.operation, account="acme").price == CENT
    assert studio.upkeep.refund(submission.operation, reason="a test", reference="r1", account="acme")
    assert studio.upkeep.erase(submission.operation, account="acme").files == 1


def test_errors_are_the_studios_own(studio: BlockingStudio) -> None:
    with pytest.raises(UnknownAccount):
        studio.operations.generate("a lake", account="nobody")
    with pytest.raises(InvalidInput):
        studio.operations.generate("a lake", account=ACCOUNT, n=0)


def test_progress_is_reported_to_the_end(studio: BlockingStudio) -> None:
    heard: list[float] = []
    studio.operations.generate(
        "a lake", account=ACCOUNT, progress=lambda fraction, _: heard.append(fraction), **SMALL, allow="stand-in"
    )
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_a_progress_callback_cannot_wait_for_the_studio_that_calls_it(studio: BlockingStudio) -> None:
    caught: list[str] = []

    def ask(fraction: float, message: str) -> None:
        try:
            studio.accounts.show(ACCOUNT)
        except RuntimeError as error:
            caught.append(str(error))

    studio.operations.generate("a lake", account=ACCOUNT, progress=ask, **SMALL, allow="stand-in")
    assert set(caught) == {"a progress callback cannot wait for the studio that called it"}


@pytest.mark.parametrize(
    ("blocking", "waited_for"),
    [
        (BlockingOperations, Operations),
        (BlockingAccounts, Accounts),
        (BlockingProviders, Providers),
        (BlockingUpkeep, Upkeep),
    ],
)
def test_nothing_that_is_waited_for_is_left_out(blocking: type, waited_for: type) -> None:
    awaited = {name for name, _ in getmembers(waited_for, iscoroutinefunction) if not name.startswith("_")}
    ended = {"close"} if waited_for is Operations else set()  # who opened the studio closes it
    assert awaited - ended == {name for name in vars(blocking) if not name.startswith("_")}


def test_a_blocking_studio_has_the_facades_of_the_other() -> None:
    facades = {one.name for one in fields(Studio)} - {
        "log",
        "open_services",
        "make_worker",
        "make_sender",
        "relay",
        "around_requests",
        "shards",
        "shard_names",
        "find_shard",
    }
    assert {one.name for one in fields(BlockingStudio)} == facades


def test_an_account_is_suspended_and_resumed(studio: BlockingStudio) -> None:
    assert studio.accounts.suspend("acme", "unpaid").standing == "suspended"
    assert studio.accounts.resume("acme", "paid").standing == "open"


def test_views_are_asked_directly(studio: BlockingStudio) -> None:
    studio.operations.generate("a lake", account=ACCOUNT, user="ann", **SMALL, allow="stand-in")
    studio.views.catch_up()
    assert [row.price for row in studio.views.rows(USAGE, UsageFilter(account=ACCOUNT, user="ann"))] == [CENT.micros]
    assert studio.audit.compare().equal


def test_a_closed_studio_takes_nothing_more(settings: Settings) -> None:
    with open_blocking(settings, serve=False) as studio:
        studio.accounts.open(ACCOUNT)
    with pytest.raises(ShuttingDown):
        studio.accounts.show(ACCOUNT)


def test_what_was_submitted_is_settled_before_the_studio_closes(settings: Settings) -> None:
    with open_blocking(settings) as studio:
        studio.accounts.open(ACCOUNT)
        operation = studio.operations.submit(
            Request("text-to-image", ACCOUNT, {"prompt": "a lake", **SMALL}, allow="stand-in")
        ).operation
    with open_blocking(settings, serve=False) as studio:
        assert studio.operations.wait(operation, account="acme").status == "charged"


def test_a_studio_that_cannot_open_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(StoreError), open_blocking(Settings(home=tmp_path, database_url="mysql://h/x")):
        pass


async def test_it_works_inside_somebody_elses_event_loop(settings: Settings) -> None:
    def script() -> Money:
        with open_blocking(settings, serve=False) as studio:
            studio.accounts.open(ACCOUNT)
            return studio.operations.generate("a lake", account=ACCOUNT, **SMALL, allow="stand-in").price

    assert await asyncio.to_thread(script) == CENT
