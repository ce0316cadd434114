"""Links: which assets an operation came with, and which it made; one row an operation, role and place.

    asset ── input ──> operation ── output ──> asset

From it follow the lineage of an asset, both ways, and its share of what its operations were charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.operation import ProviderCompleted, Requested
from domain.value import value
from projections.engine.columns import Account, Count, Instant, Key, Note, Text, ViewRow
from projections.engine.filters import ViewFilter, check_word, same
from projections.engine.view import NO_SUMS, Change, Sorted, Value, View, reads_each

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

INPUT, OUTPUT = "input", "output"


@value
class LinkRow(ViewRow):
    """One file of an operation: `place` counts from 0 among its inputs or outputs, of which it has `files`.

    `field` is the input that it was for.
    """

    operation: Key[Text]
    role: Key[Text]
    place: Key[Count]
    account: Note[Account]
    asset: Note[Text]
    batch: Note[Text]
    field: Note[Text | None]
    files: Note[Count]
    at: Note[Instant]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFilter(ViewFilter):
    """None asks for any."""

    account: str | None = None
    operation: str | None = None
    batch: str | None = None
    asset: str | None = None
    role: str | None = None

    def check(self) -> None:
        check_word("role", self.role, (INPUT, OUTPUT))

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, operation=self.operation, batch=self.batch)
        yield from same(table, asset=self.asset, role=self.role)


def _requested(fact: Requested) -> Iterator[Change]:
    operation, files = fact.operation, len(fact.inputs)
    for place, given in enumerate(fact.inputs):
        known: dict[str, Value] = {
            "account": operation.account,
            "asset": given.id,
            "batch": operation.batch,
            "field": given.field,
            "files": files,
            "at": fact.at,
        }
        yield (operation.id, INPUT, place), NO_SUMS, known


def _completed(fact: ProviderCompleted) -> Iterator[Change]:
    operation, files = fact.operation, len(fact.assets)
    for place, stored in enumerate(fact.assets):
        known: dict[str, Value] = {
            "account": operation.account,
            "asset": stored.id,
            "batch": operation.batch,
            "files": files,
            "at": fact.at,
        }
        yield (operation.id, OUTPUT, place), NO_SUMS, known


NAMES = "operation.id operation.account operation.batch at"

LINKS = View(
    "asset_links",
    LinkRow,
    LinkFilter,
    rank=1,
    milestone=None,
    indexes=(Sorted("asset", ("account", "asset", "role")), Sorted("batch", ("account", "batch"))),
    changes={
        Requested: reads_each(_requested, NAMES, "inputs"),
        ProviderCompleted: reads_each(_completed, NAMES, "assets"),
    },
)
