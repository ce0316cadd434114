"""For any catalogue, wish, consent and outage: what is charged was allowed, told beforehand, and dearer by no cent."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.asking.requests import Candidate, Request, Result
from domain.errors import ImageStudioError, InvalidInput, OperationFailed, UnknownModel
from domain.operation import Charged, Dispatched, OperationFact, Rerouted, Validated
from infrastructure.service import Studio
from tests.application.studios import facts_of, is_sound, studio_on
from tests.application.wilful import DONE, KIND, REFUSED, UNREACHABLE, Entry, trade

PROVIDERS = ("abbey", "borough", "castle")
CLASSES = ("real", "stand-in", "test")
ANSWERS = (DONE, REFUSED, UNREACHABLE, "no_credit", "bad_key")
WHOLE = {UNREACHABLE, "no_credit", "bad_key"}
A_CENT = 10_000

entries = st.builds(
    Entry,
    st.just(""),
    st.sampled_from(PROVIDERS),
    st.none() | st.integers(0, 5),
    st.sampled_from(CLASSES),
    st.sampled_from(ANSWERS),
    st.integers(1, 3),
    st.integers(1, 5),
)
some_classes = st.sets(st.sampled_from(CLASSES[1:]))


@dataclass(frozen=True)
class Case:
    """A catalogue, who may be chosen from it, and what is asked for."""

    entries: tuple[Entry, ...]
    wish: str
    n: int
    by_call: frozenset[str]
    by_terms: frozenset[str]
    max_cents: int | None

    @property
    def allowed(self) -> set[str]:
        return {"real", *self.by_call, *self.by_terms}

    @property
    def request(self) -> Request:
        most = None if self.max_cents is None else f"0.{self.max_cents:02d}"
        asked = Request(KIND, "acme", {"prompt": "a quiet shore"}, model=self.wish, n=self.n, max_price=most)
        return replace(asked, allow=tuple(self.by_call))


cases = st.builds(
    Case,
    st.lists(entries, min_size=1, max_size=6).map(
        lambda found: tuple(replace(entry, id=f"m-{number}") for number, entry in enumerate(found))
    ),
    st.sampled_from(("auto", "balanced", "cheapest", "best", "m-0")),
    st.integers(1, 4),
    some_classes.map(frozenset),
    some_classes.map(frozenset),
    st.none() | st.integers(0, 30),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_what_is_charged_was_allowed_and_told_before(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_judge(case, Path(folder)))


async def _judge(case: Case, home: Path) -> None:
    made = trade(home, case.entries)
    url = f"sqlite:///{home / 'ledger.db'}"
    async with studio_on(url, home, catalogues=(made.overlay,), providers=made.providers) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        for one in case.by_terms:
            await studio.accounts.allow("acme", one)
        try:
            told = (await studio.operations.estimate(case.request)).chain
        except (UnknownModel, InvalidInput):
            told = ()
        result, refused = await _ran(studio, case.request)
        if not told or refused:
            assert (made.sent, result) == ([], None)
            return
        _check_told(case, told)
        _check_facts(case, studio, [one for one in told if not one.skipped])
        if result is not None:
            assert {one.model for one in result.operations} <= {one.model for one in told if not one.skipped}
        assert await is_sound(studio)


async def _ran(studio: Studio, request: Request) -> tuple[Result | None, bool]:
    """What came of it, and whether it was refused before anything was sent."""
    with suppress(OperationFailed):
        try:
            return await studio.operations.run(request), False
        except OperationFailed:
            raise
        except ImageStudioError:
            return None, True
    return None, False


def _check_told(case: Case, told: tuple[Candidate, ...]) -> None:
    asked = [one for one in told if not one.skipped]
    if case.wish != "m-0":
        assert all(one.model_class in case.allowed for one in asked)
        assert all(one.price is not None for one in asked)
        assert {entry.id for entry in case.entries} <= {one.model for one in told}
    else:
        assert [one.model for one in asked] == ["m-0"]
    if case.max_cents is not None:
        assert all(one.price is None or one.price.micros <= case.max_cents * A_CENT for one in asked)


def _check_facts(case: Case, studio: Studio, asked: list[Candidate]) -> None:
    by_id = {entry.id: entry for entry in case.entries}
    order = [one.model for one in asked]
    by_operation: dict[str, list[OperationFact]] = {}
    for fact in facts_of(studio, "acme"):
        assert isinstance(fact, OperationFact)
        by_operation.setdefault(fact.operation.id, []).append(fact)
    for facts in by_operation.values():
        models = [fact.operation.model for fact in facts if isinstance(fact, Dispatched)]
        assert models == [model for model in order if model in models]
        dead = set[str]()
        for model in models:
            assert by_id[model].provider not in dead
            if by_id[model].answer in WHOLE:
                dead.add(by_id[model].provider)
        holds = [fact.quote for fact in facts if isinstance(fact, Validated | Rerouted)]
        assert case.wish == "m-0" or all(quote.model_class in case.allowed for quote in holds)
        assert [quote.model_class for quote in holds] == [by_id[quote.model].class_ for quote in holds]
        if case.max_cents is None:
            assert [quote.price for quote in holds] == sorted((quote.price for quote in holds), reverse=True)
        charged = [fact for fact in facts if isinstance(fact, Charged)]
        assert all(fact.operation.model == holds[-1].model and fact.price <= holds[-1].price for fact in charged)
    paid = [fact.price for facts in by_operation.values() for fact in facts if isinstance(fact, Charged)]
    if case.max_cents is not None:
        assert sum(paid) <= case.max_cents * A_CENT
