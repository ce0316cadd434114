"""F2, F3: many ask at once where there is room for few, or for the first time ever: exactly as many are admitted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import OperationRefused
from domain.ledger import PeriodOpened
from domain.operation import Charged, Rejected, Validated
from domain.periods import Period
from domain.windowed import WindowOpened
from infrastructure.service import Studio
from tests.application.studios import PRICE, SYNC, count, facts_of, is_sound, studio_on, submissions
from tests.faults.processes import complete, in_processes

HANDS, EACH = 3, 12
ASKED = HANDS * EACH
ROOM = 7


async def ask(url: str, home: Path, name: str, project: str | None = None) -> Counter[str]:
    """One process or thread: a studio of its own, and several callers at once."""
    async with studio_on(url, home) as studio:
        answers = await asyncio.gather(*(ask_once(studio, f"{name}-{number}", project) for number in range(EACH)))
        return Counter(answers)


async def ask_once(studio: Studio, user: str, project: str | None) -> str:
    try:
        result = await studio.operations.generate("x", account="acme", user=user, model=SYNC, project=project)
    except OperationRefused:
        return "refused"
    return result.status


def by_threads(url: str, home: Path, project: str | None = None) -> Counter[str]:
    with ThreadPoolExecutor(HANDS) as pool:
        waiting = [pool.submit(complete, ask, url, home, f"thread-{hand}", project) for hand in range(HANDS)]
        return sum((one.result() for one in waiting), Counter[str]())


def by_processes(url: str, home: Path, project: str | None = None) -> Counter[str]:
    answers = in_processes(ask, [(url, home, f"process-{hand}", project) for hand in range(HANDS)])
    return sum(answers, Counter[str]())


Ask = Callable[..., Counter[str]]
EITHER = pytest.mark.parametrize("asking", [by_threads, by_processes])


async def prepare(
    url: str, home: Path, measure: str, limit: int | None, scope: str = "account", window: str = "period"
) -> None:
    async with studio_on(url, home) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.change_limit("acme", measure, limit, scope=scope, window=window)


async def check(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        facts = facts_of(studio)
        kinds = [count(facts, kind) for kind in (Validated, Charged, Rejected, PeriodOpened)]
        assert kinds == [ROOM, ROOM, ASKED - ROOM, 1]
        assert (await studio.accounts.show("acme")).used["spend"] == ROOM * PRICE
        assert len(submissions(home)) == ROOM
        assert await is_sound(studio)


@EITHER
def test_exactly_as_many_are_admitted_as_there_is_room_for(database_url: str, tmp_path: Path, asking: Ask) -> None:
    asyncio.run(prepare(database_url, tmp_path, "images", ROOM))
    assert asking(database_url, tmp_path) == {"charged": ROOM, "refused": ASKED - ROOM}
    asyncio.run(check(database_url, tmp_path))


@EITHER
def test_money_runs_out_exactly(database_url: str, tmp_path: Path, asking: Ask) -> None:
    """For seven pictures and almost an eighth."""
    asyncio.run(prepare(database_url, tmp_path, "spend", (ROOM + 1) * PRICE - 1))
    assert asking(database_url, tmp_path) == {"charged": ROOM, "refused": ASKED - ROOM}
    asyncio.run(check(database_url, tmp_path))


@EITHER
def test_a_project_shared_by_many_users_keeps_its_limit(database_url: str, tmp_path: Path, asking: Ask) -> None:
    asyncio.run(prepare(database_url, tmp_path, "images", ROOM, scope="project:site"))
    assert asking(database_url, tmp_path, "site") == {"charged": ROOM, "refused": ASKED - ROOM}
    asyncio.run(check(database_url, tmp_path))


@EITHER
@pytest.mark.parametrize("window", ["day", "life"])
def test_the_first_requests_of_a_window_begin_it_once_and_as_many_are_admitted_as_it_has_room_for(
    database_url: str, tmp_path: Path, asking: Ask, window: str
) -> None:
    """A day that ends meanwhile makes room for as many again, in a window of its own."""
    asyncio.run(prepare(database_url, tmp_path, "images", ROOM, window=window))
    answers = asking(database_url, tmp_path)
    begun = asyncio.run(spans(database_url, tmp_path))
    assert len(set(begun)) == len(begun) >= (1 if window == "day" else 0)
    room = ROOM * max(len(begun), 1)
    assert answers == {"charged": room, "refused": ASKED - room}
    if room == ROOM:
        asyncio.run(check(database_url, tmp_path))


async def spans(url: str, home: Path) -> list[Period]:
    """The windows that were begun."""
    async with studio_on(url, home) as studio:
        return [fact.span for fact in facts_of(studio) if isinstance(fact, WindowOpened)]


@EITHER
def test_an_accounts_first_requests_ever_open_one_period(database_url: str, tmp_path: Path, asking: Ask) -> None:
    asyncio.run(prepare(database_url, tmp_path, "images", None))
    assert asking(database_url, tmp_path) == {"charged": ASKED}

    async def periods() -> int:
        async with studio_on(database_url, tmp_path) as studio:
            assert await is_sound(studio)
            return count(facts_of(studio), PeriodOpened)

    assert asyncio.run(periods()) == 1
