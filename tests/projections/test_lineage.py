"""Lineage against a naive walk over the same facts: what an asset came from, what came of it, and the cost of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.library.lineage import Kin, Lineage, lineage_of
from domain.charging import CostSource, part_of
from domain.ledger import Fact
from infrastructure.shelves import AssetsInViews
from infrastructure.store.database import Database
from projections.engine.projector import Projector
from projections.queries import Views
from tests.domain.examples import (
    APRIL_BOOK,
    BROUGHT,
    CHARGED,
    COMPLETED,
    IMAGE,
    OPENED,
    OPERATION,
    REQUESTED,
    VALIDATED,
)
from tests.projections.histories import Log


@dataclass(frozen=True)
class Work:
    """One operation: which assets it came with, which it made, what was charged, and what is known of its cost."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    price: int
    cost: int | None


ASSETS = st.integers(0, 11)
"""Few, so that assets are made twice, used twice, and come from themselves."""
WORKS = st.lists(
    st.builds(
        Work,
        inputs=st.lists(ASSETS, max_size=3).map(tuple),
        outputs=st.lists(ASSETS, min_size=1, max_size=3).map(tuple),
        price=st.integers(0, 1_000),
        cost=st.one_of(st.none(), st.integers(0, 1_000)),
    ),
    max_size=14,
)


def id_of(asset: int) -> str:
    return f"{asset:024x}"


def facts_of(works: Sequence[Work], account: str) -> list[Fact]:
    facts: list[Fact] = [replace(OPENED, account=account), replace(APRIL_BOOK, account=account)]
    for number, work in enumerate(works):
        operation = replace(OPERATION, id=f"{account}-{number}", batch=f"{account}-{number}", account=account)
        inputs = tuple(replace(BROUGHT, id=id_of(one)) for one in work.inputs)
        made = tuple(replace(IMAGE, id=id_of(one), digest=f"{one:064x}") for one in work.outputs)
        source = CostSource.UNKNOWN if work.cost is None else CostSource.PROVIDER
        facts += [
            replace(REQUESTED, operation=operation, inputs=inputs),
            replace(VALIDATED, operation=operation),
            replace(COMPLETED, operation=operation, assets=made),
            replace(CHARGED, operation=operation, price=work.price, cost=work.cost, cost_source=source),
        ]
    return facts


def reached(works: Sequence[Work], start: int, *, up: bool) -> set[int]:
    """All assets that one came from or led to, itself among them, by trying every operation until nothing is new."""
    found = {start}
    while True:
        more = set(found)
        for work in works:
            near, far = (work.outputs, work.inputs) if up else (work.inputs, work.outputs)
            if found & {*near}:
                more |= {*far}
        if more == found:
            return found
        found = more


def share_of(works: Iterable[Work], asset: int) -> tuple[int, int, bool, bool]:
    """Price and known cost of one asset, whether it was made here, and whether some cost is not known."""
    price = cost = 0
    made = partial = False
    for work in works:
        for place, output in enumerate(work.outputs):
            if output == asset:
                made, partial = True, partial or work.cost is None
                price += part_of(work.price, len(work.outputs), place)
                cost += part_of(work.cost or 0, len(work.outputs), place)
    return price, cost, made, partial


def lineage(records: AssetsInViews, account: str, asset: int) -> Lineage:
    record = records.one(account, id_of(asset))
    assert record is not None
    up, down = (
        Kin(tuple(assets), tuple(links))
        for assets, links in (
            records.ancestors(account, id_of(asset)),
            records.descendants(account, id_of(asset)),
        )
    )
    return lineage_of(record, up, down)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(works=WORKS)
def test_lineage_and_its_cost_are_what_a_naive_walk_finds(
    log: Log, database: Database, projector: Projector, views: Views, works: list[Work]
) -> None:
    """Every example adds to the same log, under an account of its own."""
    account, records = f"at-{log.reader.end()}", AssetsInViews(views, database)
    log.record(facts_of(works, account))
    projector.advance()
    for asset in {one for work in works for one in (*work.inputs, *work.outputs)}:
        found = lineage(records, account, asset)
        for kin, up in ((found.ancestors, True), (found.descendants, False)):
            assert {one.id for one in kin.assets} == {id_of(one) for one in reached(works, asset, up=up) - {asset}}
        parts = [share_of(works, one) for one in reached(works, asset, up=True)]
        price = sum(part[0] for part in parts) if any(part[2] for part in parts) else None
        assert (None if found.whole.price is None else found.whole.price.micros) == price
        assert found.whole.cost_partial == any(part[3] for part in parts)
        if found.whole.cost is not None:
            assert found.whole.cost.micros == sum(part[1] for part in parts)


def told(log: Log, projector: Projector, *works: Work) -> None:
    log.record(facts_of(works, "acme"))
    projector.advance()


@pytest.fixture
def records(views: Views, database: Database) -> AssetsInViews:
    return AssetsInViews(views, database)


def test_an_operation_that_two_ways_lead_to_is_counted_once(
    log: Log, projector: Projector, records: AssetsInViews
) -> None:
    told(
        log,
        projector,
        Work((), (1,), 500, 5),
        Work((1,), (2,), 30, 5),
        Work((1,), (3,), 7, 5),
        Work((2, 3), (4,), 1, 5),
    )
    whole = lineage(records, "acme", 4).whole
    assert whole.price is not None
    assert (whole.price.micros, whole.operations, whole.brought, whole.cost_partial) == (538, 4, 0, False)


def test_of_several_outputs_those_that_were_needed_are_counted(
    log: Log, projector: Projector, records: AssetsInViews
) -> None:
    told(log, projector, Work((), (1, 2, 3), 100, 9), Work((1, 2), (4,), 10, 9))
    whole = lineage(records, "acme", 4).whole
    assert whole.price is not None
    assert whole.price.micros == 34 + 33 + 10


def test_what_was_brought_is_told_apart_from_what_was_free(
    log: Log, projector: Projector, records: AssetsInViews
) -> None:
    told(log, projector, Work((1,), (2,), 0, 0))
    assert lineage(records, "acme", 1).whole.price is None
    made = lineage(records, "acme", 2).whole
    assert made.price is not None
    assert (made.price.micros, made.brought) == (0, 1)


def test_a_cost_that_is_not_known_makes_the_whole_at_least_what_is(
    log: Log, projector: Projector, records: AssetsInViews
) -> None:
    told(log, projector, Work((), (1,), 5, None), Work((1,), (2,), 5, 3))
    whole = lineage(records, "acme", 2).whole
    assert whole.cost is not None
    assert (whole.cost.micros, whole.cost_partial) == (3, True)
    assert lineage(records, "acme", 1).whole.cost is None


def test_another_accounts_operations_are_no_kin(log: Log, projector: Projector, records: AssetsInViews) -> None:
    log.record([*facts_of([Work((1,), (2,), 5, 5)], "acme"), *facts_of([Work((2,), (3,), 5, 5)], "globex")])
    projector.advance()
    assert lineage(records, "acme", 2).descendants.assets == ()
    assert [one.id for one in lineage(records, "globex", 3).ancestors.assets] == [id_of(2)]
