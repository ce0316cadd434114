"""Assets: one row a file of an account, however often it was made or brought, with what it cost.

Every asset is named by its keyed id. Its looks, and who made or brought it first, never change; its share of the prices
of all operations that made it, as they were adjusted since, is worked out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, Select, Table, case, cast, func, select

from domain.assets import AssetAdded, AssetErased, AssetExpirySet, AssetRestored, AssetTrashed, Disposal
from domain.ledger import ContentErased
from domain.operation import Given, Operation, OperationFact, ProviderCompleted, Requested, Stored
from domain.value import value
from projections.engine.columns import (
    Account,
    Asked,
    Cost,
    CostCurrency,
    Count,
    Currency,
    First,
    Instant,
    Key,
    Money,
    Note,
    Sum,
    Text,
    User,
    ViewRow,
)
from projections.engine.filters import ViewFilter, check_kind_named, check_word, same
from projections.engine.tables import live
from projections.engine.view import NO_SUMS, Change, Sorted, Value, View, reads, reads_each
from projections.views.links import LINKS, OUTPUT
from projections.views.operations import OPERATIONS

KEPT, TRASHED, ERASED = (str(one) for one in Disposal)
STANDINGS = (KEPT, TRASHED, ERASED)
NEVER = 0
"""The instant at which an asset expires that never does."""
TYPES = ("image", "video", "audio", "model", "text")


@value
class AssetRow(ViewRow):
    """`made` operations delivered it and `used` ones came with it. Operation, kind, model and provider are of the one
    that made it first, and None if none did; user and project ("" is none) are of whoever made or brought it first.

    `standing` holds since `stood_at`; what is seen again is kept again.
    """

    account: Key[Account]
    id: Key[Text]
    made: Sum[Count]
    used: Sum[Count]
    media_type: First[Text]
    size: First[Count]
    width: First[Count | None]
    height: First[Count | None]
    duration_ms: First[Count | None]
    first_seen: First[Instant]
    user: First[User]
    project: First[Text]
    operation: First[Text | None]
    kind: First[Text | None]
    model: First[Text | None]
    provider: First[Text | None]
    last_seen: Note[Instant]
    standing: Note[Text]
    stood_at: Note[Instant]
    expires: Note[Instant | None]
    price: Asked[Money | None]
    cost: Asked[Cost | None]
    cost_unknown: Asked[Count]
    currency: Asked[Currency | None]
    cost_currency: Asked[CostCurrency | None]

    def unknown(self) -> Collection[str]:
        """The cost, if no provider said what it bills for any of the operations that made it."""
        return ("cost",) if self.cost_unknown and not self.cost else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter(ViewFilter):
    """None asks for any. `type` is the first word of the media type, `made` whether an operation here made it, `seen`
    the span [since, until) in which it was first, `sizes` the bytes from and up to. `due` are an instant, and another:
    those that have expired by the first, or are in the trash since before the second. `among` are queries for ids, of
    which all must name it."""

    WORDING: ClassVar = frozenset({"type", "made"})

    account: str | None = None
    standing: str | None = None
    type: str | None = None
    kind: str | None = None
    model: str | None = None
    provider: str | None = None
    user: str | None = None
    project: str | None = None
    made: bool | None = None
    seen: tuple[int, int] | None = None
    sizes: tuple[int, int] | None = None
    due: tuple[int, int] | None = None
    among: tuple[Select[Any], ...] = ()

    @property
    def alone(self) -> bool:
        """Queries for ids are of one question alone."""
        return bool(self.among)

    def check(self) -> None:
        check_word("standing", self.standing, STANDINGS)
        check_word("type", self.type, TYPES)

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, standing=self.standing, kind=self.kind, model=self.model)
        yield from same(table, provider=self.provider, user=self.user, project=self.project)
        if self.type is not None:
            yield table.c.media_type.startswith(f"{self.type}/", autoescape=True)
        if self.made is not None:
            yield table.c.made > 0 if self.made else table.c.made == 0
        if self.seen is not None:
            yield from (table.c.first_seen >= self.seen[0], table.c.first_seen < self.seen[1])
        if self.sizes is not None:
            yield table.c.size.between(*self.sizes)
        yield from (table.c.id.in_(ids) for ids in self.among)
        if self.due is not None:
            yield from _due(table, *self.due)

    def missed(self) -> None:
        check_kind_named(self.kind)


def _due(table: Table, now: int, trashed_before: int) -> Iterator[ColumnElement[bool]]:
    expired = (table.c.expires > NEVER) & (table.c.expires <= now)
    yield expired | ((table.c.standing == TRASHED) & (table.c.stood_at < trashed_before))
    yield table.c.standing != ERASED


def price_of_asset(table: Table) -> ColumnElement[Any]:
    """An asset's price, null if no operation made it."""
    return _money(table)["price"]


def _money(table: Table) -> Mapping[str, ColumnElement[Any]]:
    """The asset's shares of the operations that made it."""
    log, link = live(OPERATIONS).c, live(LINKS).c
    mine = (link.account == table.c.account, link.asset == table.c.id)
    makers = (*mine, link.role == OUTPUT, log.id == link.operation)

    def asked(what: ColumnElement[Any]) -> ColumnElement[Any]:
        return select(what).where(*makers).scalar_subquery()

    unknown = asked(cast(func.coalesce(func.sum(log.cost_unknown), 0), BigInteger))
    return {
        "price": asked(cast(func.sum(share_of(log.price)), BigInteger)),
        "cost": asked(cast(func.sum(share_of(log.cost)), BigInteger)),
        "cost_unknown": unknown,
        "currency": asked(func.max(log.currency)),
        "cost_currency": asked(func.max(log.cost_currency)),
    }


def share_of(amount: ColumnElement[Any]) -> ColumnElement[Any]:
    """A linked file's part of an amount, by the same rule as `domain.charging.part_of`."""
    link, whole = live(LINKS).c, func.abs(amount, type_=BigInteger)
    part = whole // link.files + case((link.place < whole % link.files, 1), else_=0)
    return case((amount < 0, -part), else_=part)


def _seen(fact: OperationFact, file: Given | Stored) -> dict[str, Value]:
    operation = fact.operation
    return {
        "media_type": file.media_type,
        "size": file.size,
        "width": file.width,
        "height": file.height,
        "duration_ms": file.duration_ms,
        "first_seen": fact.at,
        "user": operation.user,
        "project": operation.project or "",
        "last_seen": fact.at,
        "standing": KEPT,
        "stood_at": fact.at,
    }


def _added(fact: AssetAdded) -> Change:
    known: dict[str, Value] = {
        "media_type": fact.media_type,
        "size": fact.size,
        "width": fact.width,
        "height": fact.height,
        "duration_ms": fact.duration_ms,
        "first_seen": fact.at,
        "user": fact.user,
        "project": fact.project or "",
        "last_seen": fact.at,
        "standing": KEPT,
        "stood_at": fact.at,
    }
    return (fact.account, fact.asset), NO_SUMS, known


def _maker(operation: Operation) -> dict[str, Value]:
    return {
        "operation": operation.id,
        "kind": operation.kind,
        "model": operation.model,
        "provider": operation.provider,
    }


def _requested(fact: Requested) -> Iterator[Change]:
    for given in fact.inputs:
        yield (fact.operation.account, given.id), {"used": 1}, _seen(fact, given)


def _completed(fact: ProviderCompleted) -> Iterator[Change]:
    for stored in fact.assets:
        yield (fact.operation.account, stored.id), {"made": 1}, {**_seen(fact, stored), **_maker(fact.operation)}


def _content_erased(fact: ContentErased) -> Iterator[Change]:
    for id in fact.assets:
        yield (fact.account, id), NO_SUMS, {"standing": ERASED, "stood_at": fact.at, "expires": NEVER}


def _trashed(fact: AssetTrashed) -> Change:
    return (fact.account, fact.asset), NO_SUMS, {"standing": TRASHED, "stood_at": fact.at}


def _restored(fact: AssetRestored) -> Change:
    return (fact.account, fact.asset), NO_SUMS, {"standing": KEPT, "stood_at": fact.at}


def _expiry_set(fact: AssetExpirySet) -> Change:
    return (fact.account, fact.asset), NO_SUMS, {"expires": fact.expires or NEVER}


def _erased(fact: AssetErased) -> Change:
    return (fact.account, fact.asset), NO_SUMS, {"standing": ERASED, "stood_at": fact.at, "expires": NEVER}


DECIDED = "account asset"
LOOKS = "media_type size width height duration_ms"
NAMES = "operation.id operation.account operation.user operation.project at"

ASSETS = View(
    "assets",
    AssetRow,
    AssetFilter,
    newest=("first_seen", "id"),
    indexes=(
        Sorted("newest", ("account", "first_seen", "id")),
        Sorted("trash", ("stood_at",), "standing = 'trashed'"),
        Sorted("expiring", ("expires",), "expires > 0"),
    ),
    asked=_money,
    milestone=None,
    changes={
        Requested: reads_each(_requested, NAMES, "inputs"),
        ProviderCompleted: reads_each(_completed, NAMES, "operation.kind operation.model operation.provider assets"),
        AssetAdded: reads(_added, DECIDED, f"{LOOKS} user project at"),
        ContentErased: reads_each(_content_erased, "account assets at"),
        AssetTrashed: reads(_trashed, DECIDED, "at"),
        AssetRestored: reads(_restored, DECIDED, "at"),
        AssetExpirySet: reads(_expiry_set, DECIDED, "expires"),
        AssetErased: reads(_erased, DECIDED, "at"),
    },
)
