"""Whatever a provider answers with, what is stored of it can be read again, and no price is less than nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.asking.requests import Request
from application.ports import (
    Bill,
    Delivery,
    Job,
    Media,
    Progress,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Remote,
    Task,
    TaskFailed,
)
from domain.errors import ImageStudioError, OperationPending, ProviderUnavailable
from domain.operation import Charged, Submitted
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import (
    JOBS,
    LONG_AFTER,
    PRICE,
    SYNC,
    count,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    timeline,
)

PICTURE = Media(picture(), "image/png")
FINE = Delivery((PICTURE,))


def ask(model: str = SYNC) -> Request:
    return Request("text-to-image", "acme", {"prompt": "a lake"}, model=model)


class Answering(ScriptedProvider):
    """Does its work, and then answers, or raises, what it was made with, each time the next."""

    def __init__(self, home: Path, *answers: Any, name: str = "scripted") -> None:
        super().__init__(home / "scripted", name=name)
        self._answers = list(answers)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        answer = await super().submit(task, progress)
        return self._next() if isinstance(answer, Delivery) else answer

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        answer: Delivery = self._next()
        return answer

    def _next(self) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, ProviderError):
            raise answer
        return answer


async def is_well(studio: Studio) -> bool:
    """Every fact is read again from the first on, and the account goes on."""
    facts_of(studio)
    return (await studio.operations.run(ask())).status == "charged" and await is_sound(studio)


def delivery(**changes: Any) -> Delivery:
    return Delivery(**{"outputs": (PICTURE,), **changes})


DELIVERIES: dict[str, Any] = {
    "half a count": delivery(usage={"tokens": 1.5}),
    "a count in words": delivery(usage={"tokens": "7"}),
    "a count that is a flag": delivery(usage={"tokens": True}),
    "less than nothing": delivery(usage={"tokens": -50}),
    "more than 64 bits": delivery(usage={"tokens": 2**64}),
    "a count without a name": delivery(usage={7: 7}),
    "a count of an endless name": delivery(usage={"x" * 70_000: 7}),
    "a count of half a character": delivery(usage={"\ud800": 7}),
    "endless counts": delivery(usage={f"meter {number}": 7 for number in range(5_000)}),
    "a bill beyond belief": delivery(cost=2**63 - 1),
    "no counts": delivery(usage=None),
    "a list of counts": delivery(usage=[("tokens", 7)]),
    "numbers as metadata": delivery(metadata={"seed": 7}),
    "no metadata": delivery(metadata=None),
    "no outputs": delivery(outputs=None),
    "one output alone": delivery(outputs=PICTURE),
    "text as content": delivery(outputs=(Media("pixels", "image/png"),)),  # type: ignore[arg-type]
    "bytes as an address": delivery(outputs=(Remote(b"https://example.com"),)),  # type: ignore[arg-type]
    "half an instant": delivery(outputs=(PICTURE, Remote("https://example.com", 1.5))),  # type: ignore[arg-type]
    "more outputs than a fact holds": delivery(outputs=(PICTURE,) * 1_000),
}


@pytest.mark.parametrize("model", [SYNC, JOBS])
@pytest.mark.parametrize("case", DELIVERIES)
async def test_a_delivery_that_is_none_is_a_mistake_and_its_account_goes_on(
    sqlite_url: str, tmp_path: Path, case: str, model: str
) -> None:
    provider = Answering(tmp_path, DELIVERIES[case])
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending, match="provider 'scripted' raised TypeError") as pending:
            await studio.operations.run(ask(model))
        assert isinstance(pending.value.__cause__, TypeError)
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        assert await is_well(studio)


SECRET = "sk-secret"

ERRORS: dict[str, Callable[[], ProviderError]] = {
    "refused with a number": lambda: ProviderRefused(404, SECRET),  # type: ignore[arg-type]
    "failed with a number": lambda: TaskFailed(404, SECRET),  # type: ignore[arg-type]
    "failed with nothing": lambda: TaskFailed(None, SECRET),  # type: ignore[arg-type]
    "failed with no word": lambda: TaskFailed("", SECRET),
    "failed with a page": lambda: TaskFailed(SECRET * 8_000, SECRET),
    "failed with half a character": lambda: TaskFailed("\ud800", SECRET),
    "failed with lines": lambda: TaskFailed("one\ntwo", SECRET),
    "failed without a message": lambda: TaskFailed("failed", None),  # type: ignore[arg-type]
    "failed, and billed beyond belief": lambda: TaskFailed("failed", SECRET, cost=2**63 - 1),
    "unknown with a number": lambda: ProviderUnknown(503, SECRET),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", ERRORS)
async def test_an_error_whose_code_is_none_is_a_mistake_and_its_account_goes_on(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    error = ERRORS[case]()
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": Answering(tmp_path, error)}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending, match=f"provider 'scripted' raised {type(error).__name__}") as pending:
            await studio.operations.run(ask())
        assert pending.value.__cause__ is error
        assert SECRET not in caplog.text + pending.value.message
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        assert await is_well(studio)


@pytest.mark.parametrize("id", [7, None, b"job-1"])
async def test_a_job_whose_id_is_no_text_is_a_mistake(sqlite_url: str, tmp_path: Path, id: Any) -> None:
    provider = Answering(tmp_path, Job(id))
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending, match="provider 'scripted' raised TypeError") as pending:
            await studio.operations.run(ask())
        assert count(timeline(studio, pending.value.operation), Submitted) == 0


@pytest.mark.parametrize("amount", [1.5, True, -1, 2**63 - 1, "1"])
async def test_a_bill_that_cannot_be_booked_is_a_mistake(sqlite_url: str, tmp_path: Path, amount: Any) -> None:
    await _reconciled(sqlite_url, tmp_path, Bill("job-1", amount, 0))


@pytest.mark.parametrize("bill", [None, ("job-1", 1), Job("job-1"), Bill(7, 1, 0)])  # type: ignore[arg-type]
async def test_a_bill_that_is_none_is_a_mistake(sqlite_url: str, tmp_path: Path, bill: Any) -> None:
    await _reconciled(sqlite_url, tmp_path, bill)


async def _reconciled(url: str, home: Path, bill: Any) -> None:
    class Billed(Answering):
        async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
            yield bill

    provider = Billed(home, FINE)
    async with studio_on(url, home, providers={"scripted": provider}) as studio:
        with pytest.raises(ProviderUnavailable, match="provider 'scripted' raised TypeError"):
            await studio.providers.reconcile("scripted", 0, LONG_AFTER, correct=True)


# Anything at all

METERED = """
currency = "USD"
[[model]]
id = "metered"
provider = "scripted"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
auto = false
unit = "call"
inputs.prompt = { type = "text", required = true }
[[model.prices]]
meters.tokens = { rate = "0.000005", most = 8_000 }
meters.pixels = { rate = "0.00003", most = 2_000 }
"""

texts = st.text(max_size=200) | st.sampled_from(["\ud800", "\0", "x" * 70_000, "tokens", "pixels"])
numbers = st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.decimals()
things = st.none() | texts | numbers | st.binary(max_size=9) | st.lists(st.integers(), max_size=2)
counts = st.dictionaries(texts | st.integers(), st.integers(0, 10**6) | things, max_size=4)
told = st.dictionaries(texts, texts, max_size=3)
outputs = st.builds(Media, st.binary(max_size=9) | things, texts) | st.just(PICTURE) | things
costs = st.integers(-5, 10**9) | things | st.just(2**63 - 1)
deliveries = st.builds(
    Delivery,
    st.just((PICTURE,)) | st.lists(outputs, max_size=3).map(tuple) | things,
    costs,
    told | things,
    st.dictionaries(st.sampled_from(["tokens", "pixels"]), st.integers(-9, 10**15)) | counts | things,
)
words = st.sampled_from(["blocked", "failed"]) | things
failures = (
    st.builds(ProviderRefused, words, texts | things, final=st.booleans())
    | st.builds(TaskFailed, words, texts | things, cost=costs)
    | st.builds(ProviderUnknown, words, texts | things)
)
jobs = st.builds(Job, things)


@given(st.lists(deliveries | failures | jobs | things, min_size=1, max_size=8))
@settings(max_examples=30)
def test_whatever_a_provider_answers_its_account_s_log_is_read_again_and_adds_up(answers: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(_survives(Path(home), answers))


async def _survives(home: Path, answers: list[Any]) -> None:
    url, overlay = f"sqlite:///{home / 'studio.db'}", home / "metered.toml"
    overlay.write_text(METERED)
    provider = Answering(home, *answers)
    async with studio_on(url, home, providers={"scripted": provider}, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        for _ in answers:
            with suppress(ImageStudioError):
                await studio.operations.run(ask("metered"))
    async with studio_on(url, home, catalogues=(overlay,)) as studio:
        assert await is_well(studio)
        assert all(fact.price >= 0 for fact in facts_of(studio) if isinstance(fact, Charged))
