"""A provider whose own code is broken loses nothing: one clear error, the hold stays, and recovery learns the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from application.asking.requests import Request
from application.ports import Bill, Delivery, Job, Progress, ProviderUnknown, Recovery, Task
from domain.errors import OperationPending, ProviderUnavailable, UnknownModel
from domain.operation import Charged, Dispatched, Released, Submitted
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from tests.application.studios import (
    BLIND,
    JOBS,
    LONG_AFTER,
    PRICE,
    SYNC,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
    timeline,
)

PROMPT = "a very private lake"
SECRET = "sk-secret"

DAYS = 9 * 24 * 60 * 60 * 1_000_000
"""Later than anything is waited for, in microseconds."""

T = TypeVar("T")
Break = Callable[[Task], Any]


def raises(error: type[BaseException] = KeyError) -> Break:
    """Breaks with words that nobody else may read."""

    def broken(task: Task) -> Any:
        raise error(f"{SECRET} cannot {task.inputs['prompt']}")

    return broken


def answers(answer: object) -> Break:
    return lambda _task: answer


class Broken(ScriptedProvider):
    """A scripted provider with a mistake in one of its methods, which is made once the work is done."""

    def __init__(self, home: Path, method: str, broken: Break, name: str = "scripted") -> None:
        recovery = Recovery.BLIND if name == "blind" else Recovery.FINDABLE
        super().__init__(home / "scripted", name=name, recovery=recovery)
        self._method, self._broken = method, broken

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        return self.spoiled("submit", task, await super().submit(task, progress))

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        return self.spoiled("collect", task, await super().collect(task, job, progress))

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return self.spoiled("cancel", task, await super().cancel(task, job))

    def spoiled(self, method: str, task: Task, answer: T) -> T:
        spoiled: T = self._broken(task) if method == self._method else answer
        return spoiled


def ask(model: str = SYNC, **inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": PROMPT, **inputs}, model=model)


async def left_pending(studio: Studio, wanted: Request) -> OperationPending:
    await studio.accounts.open("acme", plan="pro")
    with pytest.raises(OperationPending) as left:
        await studio.operations.run(wanted)
    assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    return left.value


@pytest.mark.parametrize(("method", "model"), [("submit", SYNC), ("submit", JOBS), ("collect", JOBS)])
@pytest.mark.parametrize("error", [KeyError, TimeoutError, UnknownModel])
async def test_what_a_provider_s_code_raises_is_one_clear_error_and_the_hold_stays(
    sqlite_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    method: str,
    model: str,
    error: type[Exception],
) -> None:
    provider = Broken(tmp_path, method, raises(error))
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        pending = await left_pending(studio, ask(model))
    told = f"provider 'scripted' raised {error.__name__} while it worked on operation {pending.operation}"
    assert pending.message == f"{told}; the hold stays"
    assert "imagestudio recover" in in_shell(pending.advice)
    assert type(pending.__cause__) is error
    assert f"{error.__name__}, about operation {pending.operation}: " in caplog.text
    assert "test_mistakes.py" in caplog.text
    for private in (PROMPT, SECRET):
        assert private not in caplog.text + pending.message + pending.hint
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        facts = facts_of(studio)
        assert (count(facts, Charged), len(submissions(tmp_path))) == (1, 1)
        assert await is_sound(studio)


@pytest.mark.parametrize(
    ("method", "model", "answer"),
    [
        ("submit", SYNC, None),
        ("submit", SYNC, "done"),
        ("submit", SYNC, Delivery((b"bytes",))),  # type: ignore[arg-type]
        ("collect", JOBS, None),
        ("collect", JOBS, Job("job-2")),
    ],
    ids=["nothing", "words", "mere bytes", "nothing for a job", "a job for a job"],
)
async def test_what_a_provider_should_not_answer_is_a_mistake_of_its_own(
    sqlite_url: str, tmp_path: Path, method: str, model: str, answer: object
) -> None:
    provider = Broken(tmp_path, method, answers(answer))
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        pending = await left_pending(studio, ask(model))
        assert pending.message.startswith("provider 'scripted' raised ")
        assert count(timeline(studio, pending.operation), Submitted) == (method == "collect")


async def test_of_a_batch_what_was_delivered_is_returned_although_the_provider_broke(
    sqlite_url: str, tmp_path: Path
) -> None:
    class Halfway(Broken):
        """Breaks at the second of a batch alone."""

        def spoiled(self, method: str, task: Task, answer: T) -> T:
            return super().spoiled(method, task, answer) if task.operation.endswith(".2") else answer

    provider = Halfway(tmp_path, "submit", raises())
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        wanted = Request("text-to-image", "acme", {"prompt": PROMPT}, model=JOBS, n=3)
        result = await studio.operations.run(wanted)
        assert [one.status for one in result.operations] == ["charged", "dispatched", "charged"]


async def test_a_provider_that_is_cancelled_is_not_mistaken(sqlite_url: str, tmp_path: Path) -> None:
    provider = Broken(tmp_path, "submit", raises(asyncio.CancelledError))
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(asyncio.CancelledError):
            await studio.operations.run(ask())
        assert count(facts_of(studio), Dispatched) == 1


def no_answer(task: Task) -> bool:
    raise ProviderUnknown("unavailable", "the provider answers 503")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (raises(), "raised KeyError"),
        (no_answer, "unavailable"),
        (answers("no"), "raised TypeError"),
        (answers(1), "raised TypeError"),
        (answers(None), "raised TypeError"),
    ],
    ids=["a mistake", "no answer", "words", "a number", "nothing"],
)
async def test_a_provider_that_breaks_where_it_should_stop_something_has_stopped_nothing(
    sqlite_url: str, tmp_path: Path, broken: Break, why: str
) -> None:
    provider = Broken(tmp_path, "cancel", broken)
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        pending = await left_pending(studio, ask(JOBS, outcome="never"))
        with pytest.raises(OperationPending, match=why):
            await studio.operations.cancel(pending.operation, account="acme")
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE


async def test_a_job_that_its_provider_s_mistake_hides_for_long_is_released_by_policy(
    sqlite_url: str, tmp_path: Path
) -> None:
    """As one of which the provider never tells."""
    providers = {"scripted": Broken(tmp_path, "collect", raises())}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        await left_pending(studio, ask(JOBS))
    async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later()) as studio:
        [one] = await studio.upkeep.recover()
        assert (one.phase, "raised KeyError" in one.action) == ("submitted", True)
    async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later(DAYS)) as studio:
        [one] = await studio.upkeep.recover()
        assert (one.phase, one.action) == ("released", "released by policy")


@pytest.mark.parametrize(
    "found",
    [("job-1",), (None,), (Job(7),), [Job("job-1")], (Job("job-1"), 7)],  # type: ignore[arg-type]
    ids=["a word", "nothing", "a number as id", "a list", "a job and a number"],
)
async def test_what_is_found_and_is_no_job_is_a_mistake_and_not_open_for_ever(
    sqlite_url: str, tmp_path: Path, found: Any
) -> None:
    class Finding(ScriptedProvider):
        async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
            answer: tuple[Job, ...] = found
            return answer

    providers = {"scripted": Finding(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        await left_pending(studio, ask(outcome="timeout"))
    for by, phase, action in ((LONG_AFTER, "dispatched", "raised TypeError"), (DAYS, "released", "by policy")):
        async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later(by)) as studio:
            [one] = await studio.upkeep.recover()
            assert (one.phase, action in one.action) == (phase, True)


async def test_a_mistake_before_there_is_anything_to_wait_for_is_one_like_any_other(
    sqlite_url: str, tmp_path: Path
) -> None:
    class Hasty(ScriptedProvider):
        def collect(self, task: Task, job: Job, progress: Progress) -> Any:
            raise KeyError(task.operation)

    providers = {"scripted": Hasty(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        pending = await left_pending(studio, ask(JOBS, outcome="never", job="job-1"))
        with pytest.raises(OperationPending, match="raised KeyError"):
            await studio.operations.notified(pending.operation, "job-1")
    async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later(DAYS)) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"]


class Repeatable(Broken):
    """May be run as often as one likes."""

    @property
    def recovery(self) -> Recovery:
        return Recovery.REPEATABLE


async def test_what_breaks_whenever_it_is_run_again_is_released_by_policy_at_last(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Counted from its first dispatch: each further run is a dispatch as well."""
    providers = {"scripted": Repeatable(tmp_path, "submit", raises())}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        pending = await left_pending(studio, ask())
    for by, phase in ((DAYS // 2, "dispatched"), (DAYS, "released")):
        async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later(by)) as studio:
            [one] = await studio.upkeep.recover()
            assert one.phase == phase
            assert ("raised KeyError" in one.action) == (phase == "dispatched")
            facts = timeline(studio, pending.operation)
    assert (one.action, count(facts, Dispatched), count(facts, Released)) == ("released by policy", 3, 1)


async def test_what_nobody_came_to_run_again_for_long_is_run_again_and_not_given_up(
    sqlite_url: str, tmp_path: Path
) -> None:
    providers = {"scripted": Repeatable(tmp_path, "submit", raises())}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        await left_pending(studio, ask())
    mended = {"scripted": Repeatable(tmp_path, "nothing", raises())}
    async with studio_on(sqlite_url, tmp_path, providers=mended, clock=later(DAYS)) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]


class Chatty(ScriptedProvider):
    """Has mistakes in all that is asked before anything is sent, and after everything is done."""

    def lacks(self, route: str) -> str:
        raise KeyError(route)

    async def quote(self, task: Task) -> int | None:
        raise KeyError(task.route)

    def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        raise KeyError(since)


async def test_a_provider_that_cannot_say_what_it_lacks_cannot_be_used_and_others_can(
    sqlite_url: str, tmp_path: Path
) -> None:
    blind = ScriptedProvider(tmp_path / "scripted", name="blind", recovery=Recovery.BLIND)
    providers = {"scripted": Chatty(tmp_path / "scripted"), "blind": blind}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="cannot be used here: its provider is not ready") as refused:
            await studio.operations.run(ask())
        assert "make it ready: provider 'scripted' raised KeyError" in refused.value.hint
        assert (await studio.operations.run(ask(BLIND))).status == "charged"


class Able(Chatty):
    """Can say what it lacks."""

    def lacks(self, route: str) -> str:
        return ""


class Quoting(Able):
    """Quotes what it was made with."""

    def __init__(self, home: Path, amount: Any) -> None:
        super().__init__(home / "scripted")
        self._amount = amount

    async def quote(self, task: Task) -> int | None:
        amount: int | None = self._amount
        return amount


@pytest.mark.parametrize("amount", [40_000.0, "40000", -5, True, 2**63 - 1, 2**63, Decimal(5)])
async def test_where_a_quote_is_no_whole_amount_the_price_book_decides(
    sqlite_url: str, tmp_path: Path, amount: object
) -> None:
    providers = {"scripted": Quoting(tmp_path, amount)}
    async with studio_on(sqlite_url, tmp_path, providers=providers, provider_quotes=True) as studio:
        await studio.accounts.open("acme", plan="pro")
        for _ in range(2):
            assert (await studio.operations.run(ask())).price.micros == PRICE
        assert await is_sound(studio)


@pytest.mark.parametrize("amount", [0, 3 * PRICE])
async def test_a_quote_that_is_a_whole_amount_is_the_price(sqlite_url: str, tmp_path: Path, amount: int) -> None:
    providers = {"scripted": Quoting(tmp_path, amount)}
    async with studio_on(sqlite_url, tmp_path, providers=providers, provider_quotes=True) as studio:
        await studio.accounts.open("acme", plan="pro")
        assert (await studio.operations.run(ask())).price.micros == amount


async def test_where_a_quote_is_a_mistake_the_price_book_decides(sqlite_url: str, tmp_path: Path) -> None:
    providers = {"scripted": Able(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, providers=providers, provider_quotes=True) as studio:
        await studio.accounts.open("acme", plan="pro")
        assert (await studio.operations.run(ask())).price.micros == PRICE


async def test_bills_that_are_a_mistake_cannot_be_read(sqlite_url: str, tmp_path: Path) -> None:
    providers = {"scripted": Able(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
        with pytest.raises(
            ProviderUnavailable, match="bills of scripted cannot be read: provider 'scripted' raised KeyError"
        ):
            await studio.providers.reconcile("scripted", 0, LONG_AFTER, correct=False)
