"""Assets and links as the log tells them: who made each first, where it was used, and its share of what was paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from domain.charging import part_of
from domain.ledger import ContentErased, Fact
from domain.operation import Adjusted, Charged, ProviderCompleted, Stored
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views.assets import ASSETS, AssetFilter, AssetRow
from projections.views.links import LINKS, LinkFilter
from tests.domain.examples import (
    APRIL,
    APRIL_BOOK,
    BROUGHT,
    CENT,
    CHARGED,
    COMPLETED,
    DISPATCHED,
    IMAGE,
    IN_MAY,
    LATER,
    MAY,
    NOON,
    OPENED,
    OPERATION,
    REQUESTED,
    VALIDATED,
    of_operation,
)
from tests.projections.histories import STEPS, History, Log, Step

OTHER = replace(IMAGE, digest="cd" * 32, id="0d" * 12)
THIRD = replace(IMAGE, digest="ef" * 32, id="0e" * 12)
MADE = (IMAGE, OTHER, THIRD)
DONE: list[Fact] = [OPENED, APRIL_BOOK, REQUESTED, VALIDATED, DISPATCHED, replace(COMPLETED, assets=MADE), CHARGED]
"""Three pictures for 40 cents."""
REFUND = Adjusted(OPERATION, IN_MAY, MAY, "2026-05-02", -10 * CENT, 0, "USD", "sorry", "ticket-1")
UPSCALE = replace(OPERATION, id="op-2", batch="op-2", kind="upscale", user="bob", project=None)


def told(log: Log, projector: Projector, facts: Iterable[Fact]) -> None:
    log.record(facts)
    projector.advance()


def of(views: Views, *files: Stored) -> list[AssetRow]:
    found = [views.one(ASSETS, "acme", file.id) for file in files]
    return [row for row in found if row is not None]


def test_an_asset_costs_its_share_and_the_first_get_the_remainder(log: Log, projector: Projector, views: Views) -> None:
    told(log, projector, DONE)
    rows = of(views, *MADE)
    assert [row.price for row in rows] == [133_334, 133_333, 133_333]
    assert [row.cost for row in rows] == [100_000, 100_000, 100_000]
    assert {row.currency for row in rows} == {"USD"}


def test_its_share_follows_every_correction(log: Log, projector: Projector, views: Views) -> None:
    told(log, projector, [*DONE, REFUND])
    assert [row.price for row in of(views, *MADE)] == [100_000, 100_000, 100_000]


def test_what_is_brought_costs_nobody_here_anything_that_is_known(log: Log, projector: Projector, views: Views) -> None:
    told(log, projector, [OPENED, APRIL_BOOK, replace(REQUESTED, inputs=(BROUGHT,))])
    row = views.one(ASSETS, "acme", BROUGHT.id)
    assert row is not None
    assert (row.made, row.used, row.operation, row.price, row.cost) == (0, 1, None, None, None)
    assert (row.media_type, row.size, row.width, row.height) == ("image/jpeg", 5_678, 800, 600)
    assert (row.user, row.project, row.first_seen) == ("ann", "site", NOON)


def test_who_brought_it_first_stays_and_who_made_it_is_noted_once(log: Log, projector: Projector, views: Views) -> None:
    brought = replace(BROUGHT, id=IMAGE.id, media_type=IMAGE.media_type)
    again = replace(UPSCALE, model="other")
    told(
        log,
        projector,
        [
            OPENED,
            APRIL_BOOK,
            replace(REQUESTED, operation=UPSCALE, inputs=(brought,)),
            replace(REQUESTED, at=LATER),
            replace(COMPLETED, assets=(IMAGE,)),
            replace(COMPLETED, operation=again, assets=(IMAGE,)),
        ],
    )
    [row] = of(views, IMAGE)
    assert (row.user, row.project, row.first_seen, row.last_seen) == ("bob", "", NOON, LATER)
    assert (row.operation, row.kind, row.model, row.made, row.used) == ("op-1", "text-to-image", "painter", 2, 1)


def test_the_same_bytes_made_twice_cost_what_both_operations_were_charged(
    log: Log, projector: Projector, views: Views
) -> None:
    alone = replace(COMPLETED, assets=(IMAGE,))
    first: list[Fact] = [OPENED, APRIL_BOOK, REQUESTED, VALIDATED, alone, CHARGED]
    second = of_operation("op-2", REQUESTED, VALIDATED, alone, CHARGED)
    told(log, projector, [*first, *second])
    [row] = of(views, IMAGE)
    assert (row.price, row.made) == (80 * CENT, 2)


def test_a_cost_that_nobody_knows_is_not_zero(log: Log, projector: Projector, views: Views) -> None:
    told(log, projector, [*DONE[:-1], replace(CHARGED, cost=None)])
    [row] = of(views, IMAGE)
    assert row.cost_unknown == 1
    assert "cost" in row.unknown()


def test_an_asset_is_erased_until_it_is_seen_again(log: Log, projector: Projector, views: Views) -> None:
    told(log, projector, [*DONE, ContentErased("acme", LATER, APRIL, "op-1", "asked", (IMAGE.id, OTHER.id))])
    assert [row.standing for row in of(views, *MADE)] == ["erased", "erased", "kept"]
    told(log, projector, [replace(REQUESTED, operation=UPSCALE, inputs=(replace(BROUGHT, id=IMAGE.id),))])
    assert [row.standing for row in of(views, *MADE)] == ["kept", "erased", "kept"]


def test_links_tell_what_an_operation_came_with_and_what_it_made(log: Log, projector: Projector, views: Views) -> None:
    asked = replace(REQUESTED, inputs=(BROUGHT, replace(BROUGHT, field="mask", id=OTHER.id)))
    told(log, projector, [OPENED, APRIL_BOOK, asked, VALIDATED, DISPATCHED, replace(COMPLETED, assets=MADE[:2])])
    found = views.rows(LINKS, LinkFilter(account="acme", operation="op-1"))
    assert [(row.role, row.place, row.field, row.asset) for row in found] == [
        ("input", 0, "image", BROUGHT.id),
        ("input", 1, "mask", OTHER.id),
        ("output", 0, None, IMAGE.id),
        ("output", 1, None, OTHER.id),
    ]
    assert {row.files for row in found} == {2}


def test_assets_are_listed_by_what_they_are_and_who_made_them(log: Log, projector: Projector, views: Views) -> None:
    clip = replace(THIRD, media_type="video/mp4", size=9_000_000)
    told(log, projector, [*DONE[:-2], replace(COMPLETED, assets=(IMAGE, clip)), CHARGED])
    asked: list[dict[str, Any]] = [
        {"type": "video"},
        {"type": "image", "model": "painter"},
        {"user": "bob"},
        {"made": False},
        {"sizes": (2_000, 10_000_000)},
        {"seen": (LATER, LATER + 1)},
        {"standing": "erased"},
    ]
    found = [[row.id for row in views.rows(ASSETS, AssetFilter(account="acme", **one))] for one in asked]
    assert found == [[clip.id], [IMAGE.id], [], [], [clip.id], [IMAGE.id, clip.id], []]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_every_share_is_what_a_plain_walk_over_the_facts_comes_to(
    log: Log, projector: Projector, views: Views, steps: list[Step]
) -> None:
    """Every example adds to the same log, under accounts of its own."""
    history = History(f"at-{log.reader.end()}-").live(steps)
    told(log, projector, history.facts)
    rows = [row for account in history.ledgers for row in views.rows(ASSETS, AssetFilter(account=account))]
    assert {(row.account, row.id): row.price for row in rows if row.price is not None} == walked(history.facts)


def walked(facts: Iterable[Fact]) -> dict[tuple[str, str], int]:
    """What each made asset was charged, the slow way."""
    paid, made = Counter[str](), list[ProviderCompleted]()
    for fact in facts:
        if isinstance(fact, Charged | Adjusted):
            paid[fact.operation.id] += fact.price
        if isinstance(fact, ProviderCompleted):
            made.append(fact)
    found = Counter[tuple[str, str]]()
    for fact in made:
        for place, stored in enumerate(fact.assets):
            key = (fact.operation.account, stored.id)
            found[key] = found[key] + part_of(paid[fact.operation.id], len(fact.assets), place)
    return dict(found)
