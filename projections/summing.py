"""Sums of usage and money by whatever is wanted: who asked, for what, of whom, and when, in any time zone.

    quarters ── within spans of a zone, of those that are wanted ──> groups ──┬─ a page of them, in one order
                                                                             └─ what all of them come to

One statement, so that rows, totals and the position of the log are of one moment. The log is not read. An
operation counts when it ends, and a correction when it is made; what is open is told apart.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Final

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    column,
    func,
    literal,
    select,
    tuple_,
    union_all,
    values,
)

from domain.errors import InvalidInput, StoreUnavailable
from domain.periods import EARLIEST, LATEST, QUARTER, check_zone
from domain.tags import check_tag_name, check_tags
from projections.calendars import GRAINS, Span, spans
from projections.engine.database import ViewDatabase
from projections.engine.tables import CHECKPOINTS, live
from projections.holding import Holding, holdings
from projections.tagsums import MEASURES, READ, TAG, TaggedRows, any_of
from projections.views.quarters import QUARTERS, QuarterFilter

WHO: Final = ("account", "user", "project", "api_key", "kind", "model", "provider", "code")
"""The columns that rows can be grouped by, besides time."""
PERIOD: Final = "period"
GROUPS: Final = (*WHO, PERIOD, TAG, *GRAINS)
TOP: Final = ("price", "cost", "failed", "charged")
"""Measures by which the largest can come first."""
LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SumQuestion:
    """Which sums: grouped by some of GROUPS, of [since, until), in a zone, of what is wanted, and has a `tag` if one is
    named, by name and value. "tag:NAME" groups by the values of one tag, and "tag" by all, each in a group of its own.

    `top` names the measure of which the largest come first; without it rows come in the order of their groups.
    """

    by: tuple[str, ...] = ()
    zone: str = "UTC"
    since: int | None = None
    until: int | None = None
    wanted: QuarterFilter = field(default_factory=QuarterFilter)
    top: str | None = None
    tag: tuple[str, str] | None = None

    @property
    def tag_group(self) -> str | None:
        """The group by tags that it asks for, if any."""
        return next((one for one in self.by if one.partition(":")[0] == TAG), None)

    @property
    def asks_tags(self) -> bool:
        """Whether it is about tags, of which nobody knows what they were."""
        return self.tag is not None or self.tag_group is not None

    @property
    def grain(self) -> str | None:
        """The part of a calendar that it is grouped by, if any."""
        return next((one for one in self.by if one in GRAINS), None)

    @property
    def who(self) -> tuple[str, ...]:
        """The columns that it is grouped by, in its order."""
        return tuple(one for one in self.by if one in WHO)

    def check(self) -> None:
        """Raises InvalidInput for what cannot be asked, InvalidPeriod for a zone that there is not."""
        check_zone(self.zone)
        for one in self.by:
            _check_group(one)
        if self.tag is not None:
            check_tags(dict([self.tag]))
        if sum(one.partition(":")[0] == TAG for one in self.by) > 1:
            raise InvalidInput("group_by", "names two groups by tags", hint="ask for one after the other")
        if len(set(self.by)) < len(self.by):
            raise InvalidInput("group_by", "names the same twice", hint="name each once")
        if sum(one in GRAINS for one in self.by) > 1:
            told = "names two parts of a calendar"
            raise InvalidInput("group_by", told, hint=f"take one of {', '.join(GRAINS)}")
        if self.top is not None:
            _check_named("top", self.top, TOP)
        for name, at in (("from", self.since), ("to", self.until)):
            if at is not None and at % QUARTER:
                raise InvalidInput(name, "is not at a quarter of an hour", hint="such as 2026-11-23T06:15:00Z")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("to", "is not after the beginning", hint="name a later day")


@dataclass(frozen=True, slots=True)
class Summed:
    """One group: what it is grouped by, its span if that is of a calendar, and its sums."""

    group: Mapping[str, str | int]
    span: Span | None
    currency: str
    sums: Mapping[str, int]
    cost_currency: str = ""
    """The currency of the cost, empty if it is the group's."""


@dataclass(frozen=True, slots=True)
class UsageSums:
    """A page of groups; what all come to, by currency; what is open now; as of a position of the log.

    `span` is what was summed up, None if there is nothing at all. `erased` says that tags of what was summed up were
    erased, so that sums by tags do not have all that once had them.
    """

    question: SumQuestion
    rows: tuple[Summed, ...]
    totals: tuple[Summed, ...]
    open: tuple[Holding, ...]
    span: Span | None
    position: int
    next: str | None
    erased: bool = False


def sum_up(database: ViewDatabase, asked: SumQuestion, after: str | None = None, limit: int | None = None) -> UsageSums:
    """The sums that are asked for, at most so many groups, after the cursor of a page before.

    Raises InvalidInput, UnknownKind, InvalidPeriod, StoreUnavailable.
    """
    asked.check()
    place = None if after is None else _place(asked, after)
    position, span = _bounds(database, asked)
    open_now = holdings(database, asked.wanted, asked.who, asked.tag)
    if span is None:
        asked.wanted.missed()
        return UsageSums(asked, (), (), open_now, None, position, None)
    statement = _Statement(asked, spans(asked.grain, asked.zone, *span) if asked.grain else [span], span)
    found = database.rows(statement.whole(place, limit))
    erased = statement.tags is not None and _check_together(database, statement.tags)
    if not found and after is None:
        asked.wanted.missed()
    rows = [statement.row(one) for one in found if one.part]
    totals = tuple(statement.total(one) for one in found if not one.part)
    more = limit is not None and len(rows) > limit
    shown = rows[:limit] if more else rows
    following = _cursor(asked, statement.place_of(shown[-1])) if more else None
    position = found[0].position if found else position
    return UsageSums(asked, tuple(shown), totals, open_now, span, position, following, erased)


def _check_together(database: ViewDatabase, tags: TaggedRows) -> bool:
    """Whether tags were erased; the views that were read are at one position. Raises StoreUnavailable."""
    names = [view.name for view in READ]
    found = database.rows(select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.view.in_(names)).distinct())
    if len(found) > 1:
        told = "the views of operations and of usage are at different positions"
        raise StoreUnavailable(told, hint="try again; if it stays so, one of them stands still")
    return bool(database.rows(tags.erased()))


def merged_sums(whole: UsageSums, rows: Sequence[Summed], after: str | None, limit: int | None) -> UsageSums:
    """A page of groups that were added up elsewhere, with what else is told of them; more follow if `whole` says so."""
    asked, statement = whole.question, _Statement(whole.question, (), (0, 0))
    placed = sorted(((tuple(statement.place_of(row)), row) for row in rows), key=lambda one: one[0])
    if after is not None:
        place = tuple(_place(asked, after))
        placed = [one for one in placed if one[0] > place]
    shown = placed[:limit]
    following = _cursor(asked, shown[-1][0]) if len(shown) < len(placed) or whole.next else None
    return replace(whole, rows=tuple(row for _, row in shown), next=following)


def _bounds(database: ViewDatabase, asked: SumQuestion) -> tuple[int, Span | None]:
    """How far the view is, and the span that is asked for, within that of all there is if its ends are not said."""
    table = live(QUARTERS).c
    first, last = func.min(table.quarter), func.max(table.quarter)
    mine = () if asked.wanted.account is None else (table.account == asked.wanted.account,)
    query = select(_position(), *(select(one).where(*mine).scalar_subquery() for one in (first, last)))
    [(position, earliest, latest)] = database.rows(query)
    since = asked.since if asked.since is not None else earliest
    until = asked.until if asked.until is not None else None if latest is None else latest + QUARTER
    if since is None or until is None or since >= until:
        return position or 0, None
    return position or 0, (max(since, EARLIEST), min(until, LATEST))


def _position() -> ColumnElement[int]:
    here = CHECKPOINTS.c.view == QUARTERS.name
    return select(CHECKPOINTS.c.position).where(here).scalar_subquery().label("position")


class _Statement:
    """The statement of one question."""

    def __init__(self, asked: SumQuestion, cut: Sequence[Span], span: Span) -> None:
        self._asked = asked
        self.tags = TaggedRows(asked.wanted, span, asked.tag_group, asked.tag) if asked.asks_tags else None
        self._ends = dict(cut)
        ends = values(column("start", BigInteger), column("stop", BigInteger), name="spans", literal_binds=True)
        self._spans = ends.data([tuple(one) for one in cut]).cte("spans")
        self._keys = [_label(one) for one in asked.by] + ["currency"]

    def whole(self, place: Sequence[Any] | None, limit: int | None) -> Select[Any]:
        """A page of groups and the totals, the totals first."""
        groups, counted = self._groups()
        columns = [*(groups.c[one] for one in (*self._keys, *MEASURES, "cost_currency"))]
        order = self._order(groups)
        page = select(literal(1).label("part"), *columns, _position(), *order)
        if place is not None:
            page = page.where(tuple_(*order) > tuple_(*place))
        page = page.order_by(*order).limit(None if limit is None else limit + 1)
        found = union_all(select(page.subquery()), self._totals(counted)).subquery()
        return select(found).order_by(found.c.part, *(found.c[f"order_{number}"] for number in range(len(order))))

    def _groups(self) -> tuple[CTE, CTE]:
        """The groups, and what totals are made of: the same, unless an operation may be in several groups."""
        if self.tags is None:
            all = self._sums(live(QUARTERS), self._asked.by).where(*self._asked.wanted.conditions(live(QUARTERS)))
            groups = all.cte("groups")
            return groups, groups
        rows = self.tags.subquery()
        found = self._sums(rows, self._asked.by)
        if self._asked.tag_group is not None:
            found = found.having(any_of([func.sum(rows.c[one]) for one in MEASURES]))
        return found.cte("groups"), self._sums(rows, ()).where(rows.c.counted == 1).cte("counted")

    def _sums(self, table: FromClause, by: Sequence[str]) -> Select[Any]:
        here = self._spans
        keys = [self._key(one, table, here) for one in by] + [table.c.currency]
        within = (table.c.quarter >= here.c.start) & (table.c.quarter < here.c.stop)
        sums = (cast(func.sum(table.c[one]), BigInteger).label(one) for one in MEASURES)
        other = func.max(table.c.cost_currency).label("cost_currency")
        return select(*keys, *sums, other).select_from(table).join(here, within).group_by(*keys)

    def _key(self, name: str, table: FromClause, here: CTE) -> ColumnElement[Any]:
        if name in GRAINS:
            return here.c.start.label(_label(name))
        own = "period_start" if name == PERIOD else name.partition(":")[0]
        return table.c[own].label(_label(name))

    def _order(self, groups: CTE) -> list[ColumnElement[Any]]:
        keys = [groups.c[one] for one in self._keys]
        wanted = [-groups.c[self._asked.top], *keys] if self._asked.top is not None else keys
        return [one.label(f"order_{number}") for number, one in enumerate(wanted)]

    def _totals(self, groups: CTE) -> Select[Any]:
        blank = [literal(0 if _is_number(one) else "", _type_of(one)) for one in self._asked.by]
        sums = (cast(func.sum(groups.c[one]), BigInteger).label(one) for one in MEASURES)
        first: list[ColumnElement[Any]] = [] if self._asked.top is None else [literal(0, BigInteger())]
        order = [one.label(f"order_{number}") for number, one in enumerate([*first, *blank, groups.c.currency])]
        keys = (one.label(_label(name)) for one, name in zip(blank, self._asked.by, strict=True))
        found: Select[Any] = select(
            *(literal(0).label("part"), *keys, groups.c.currency, *sums),
            *(func.max(groups.c.cost_currency).label("cost_currency"), _position(), *order),
        )
        return found.group_by(groups.c.currency)

    def row(self, found: Any) -> Summed:
        told = found._mapping
        group = {one: told[_label(one)] for one in self._asked.by}
        grain = self._asked.grain
        span = None if grain is None else (group[grain], self._ends[group[grain]])
        sums = {one: told[one] for one in MEASURES}
        return Summed(group, span, told["currency"], sums, told["cost_currency"] or "")

    def total(self, found: Any) -> Summed:
        told = found._mapping
        sums = {one: told[one] for one in MEASURES}
        return Summed({}, None, told["currency"], sums, told["cost_currency"] or "")

    def place_of(self, row: Summed) -> list[str | int]:
        """The place of a group in the order."""
        keys = [*(row.group[one] for one in self._asked.by), row.currency]
        return keys if self._asked.top is None else [-row.sums[self._asked.top], *keys]


def _label(name: str) -> str:
    return f"by_group_{name.partition(':')[0]}"


def _is_number(name: str) -> bool:
    return name == PERIOD or name in GRAINS


def _type_of(name: str) -> Any:
    return BigInteger() if _is_number(name) else Text()


def _cursor(asked: SumQuestion, place: Sequence[str | int]) -> str:
    return urlsafe_b64encode(msgspec.json.encode([*_shape(asked), *place])).decode().rstrip("=")


def _place(asked: SumQuestion, after: str) -> list[str | int]:
    """The place that a cursor of this question names. Raises InvalidInput."""
    kinds: list[type] = [] if asked.top is None else [int]
    kinds += [*(int if _is_number(one) else str for one in asked.by), str]
    shape = _shape(asked)
    try:
        told = msgspec.json.decode(urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=list[str | int])
    except (ValueError, msgspec.MsgspecError):
        told = []
    place = told[len(shape) :]
    fits = len(place) == len(kinds) and all(_fits(one, kind) for one, kind in zip(place, kinds, strict=True))
    if told[: len(shape)] != shape or not fits:
        raise InvalidInput("after", f"{after!r} is no cursor of this list", hint="take `next` of the page before")
    return place


def _fits(value: str | int, kind: type) -> bool:
    if isinstance(value, int):
        return kind is int and abs(value) <= LARGEST
    return kind is str and "\0" not in value


def _shape(asked: SumQuestion) -> list[str | int]:
    of = [] if asked.tag is None else ["=".join(asked.tag)]
    return ["sums", ",".join(asked.by), asked.zone, asked.top or "", *of]


def _check_group(word: str) -> None:
    kind, colon, name = word.partition(":")
    if kind == TAG and colon:
        check_tag_name("group_by", name)
    else:
        _check_named("group_by", word, GROUPS)


def _check_named(field: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        close = get_close_matches(word, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
        raise InvalidInput(field, f"there is no {word!r}", hint=hint)
