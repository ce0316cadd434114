"""Rows that sums by tags are made of: those of quarters, and those of operations that have the tags.

    by a tag      all quarters ── counted ──> totals, and the group of what has no such tag
                  its operations ──┬─ taken from that group, once each
                                   └─ put into the group of each tag
    of a tag      its operations alone, counted

So nothing is counted twice or lost, whatever was erased: totals are those of the quarters, to the micro-unit. An
operation's sums are its row in the operation log, without what was corrected later; each correction stands at its own
instant, as in the quarters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from domain.operation import CANCELLED
from domain.tags import BLANK
from projections.calendars import Span
from projections.engine.columns import Role
from projections.engine.tables import live
from projections.tagged import GONE, NOT_SAID, has_tag, tags_table
from projections.views.corrections import CORRECTIONS
from projections.views.operations import OPERATIONS
from projections.views.quarters import KNOWN, NOBODY, QUARTERS, QuarterFilter

TAG: Final = "tag"
"""The group by every tag, an operation in each of its tags' groups; "tag:NAME" is by the values of one."""
NAMES: Final = tuple(name for name in QUARTERS.named(Role.KEY) if name != "quarter")
MEASURES: Final = QUARTERS.named(Role.SUM)
CORRECTED: Final = CORRECTIONS.named(Role.SUM)
READ: Final = (QUARTERS, OPERATIONS, CORRECTIONS)
"""The views that are read together."""


def name_in(group: str) -> str | None:
    """The tag's name in such a group, None for any."""
    return group.partition(":")[2] or None


class TaggedRows:
    """The rows of a question: of `wanted`, within a span, `of` a tag alone if one is named, `by` tags if they are."""

    def __init__(
        self, wanted: QuarterFilter, span: Span, by: str | None = None, of: tuple[str, str] | None = None
    ) -> None:
        self._wanted, self._span, self._by, self._of = wanted, span, by, of

    def subquery(self) -> Subquery:
        """All as one table: the columns of quarters, `tag`, and `counted`, which is 1 of what totals count."""
        parts = [*self._counted()]
        if self._by is not None:
            parts += [*self._taken(), *self._given()]
        return union_all(*parts).subquery("rows")

    def erased(self) -> Select[Any]:
        """Whether tags were erased of an operation that ended in the span: a row if so."""
        tags, log = tags_table(), live(OPERATIONS)
        here = [tags.c.name == BLANK, *self._ended(log), *self._conditions(_columns(log))]
        found = select(literal(1)).select_from(tags.join(log, log.c.id == tags.c.operation)).where(*here)
        return self._mine(found, tags).limit(1)

    def _counted(self) -> Iterator[Select[Any]]:
        if self._of is None:
            table = live(QUARTERS)
            columns = [table.c[name] for name in ("quarter", *NAMES, *MEASURES, "cost_currency")]
            since, until = self._span
            within = (table.c.quarter >= since, table.c.quarter < until)
            yield select(*columns, *_marks(NOT_SAID, 1)).where(*within, *self._wanted.conditions(table))
        else:
            yield from self._operations(lambda log: select(log.c.id).select_from(log), NOT_SAID, counted=1)

    def _taken(self) -> Iterator[Select[Any]]:
        """Operations that have such tags, with all signs turned."""
        tags = tags_table()
        having = self._mine(select(tags.c.operation).where(self._named(tags)), tags)

        def chosen(log: Any) -> Select[Any]:
            return select(log.c.id).select_from(log).where(log.c.id.in_(having))

        yield from self._operations(chosen, NOT_SAID, sign=-1)

    def _given(self) -> Iterator[Select[Any]]:
        tags = tags_table()
        told = tags.c.value if self._by != TAG else tags.c.name + "=" + tags.c.value
        label = case((tags.c.name == BLANK, GONE), else_=told)

        def chosen(log: Any) -> Select[Any]:
            found = select(log.c.id).select_from(tags.join(log, tags.c.operation == log.c.id))
            return self._mine(found.where(self._named(tags)), tags)

        yield from self._operations(chosen, label)

    def _operations(self, chosen: Any, label: Any, *, sign: int = 1, counted: int = 0) -> Iterator[Select[Any]]:
        """Operations at their ends, less their corrections, which stand at their own instants."""
        log, later = live(OPERATIONS), live(CORRECTIONS)
        who = _columns(log)
        mine = [*self._conditions(who), log.c.settled_at.is_not(None)]
        mine += [] if self._of is None else [has_tag(log.c.id, self._wanted.account, *self._of)]
        ends = _ends(log)
        base = chosen(log).where(*mine)

        def part(at: Any, names: Mapping[str, Any], sums: Mapping[str, Any], turned: int, *when: Any) -> Select[Any]:
            told = [sums[name] * turned if turned != 1 else sums[name] for name in MEASURES]
            shown = [one.label(name) for name, one in zip(MEASURES, told, strict=True)]
            columns = [at.label("quarter"), *(names[name].label(name) for name in NAMES), *shown]
            other = log.c.cost_currency.label("cost_currency")
            found: Select[Any] = base.where(*when).with_only_columns(*columns, other, *_marks(label, counted))
            return found

        yield part(log.c.settled_at, who, ends, sign, *self._ended(log))
        joined = later.c.operation == log.c.id
        zero = {name: later.c[name] if name in CORRECTED else _zero() for name in MEASURES}
        own = {**who, "period_start": later.c.period_start, "code": literal(NOBODY, Text())}
        yield part(later.c.quarter, own, zero, sign, joined, *self._within(later.c.quarter))
        yield part(log.c.settled_at, who, zero, -sign, joined, *self._ended(log))

    def _conditions(self, columns: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        table: Any = SimpleNamespace(c=columns)
        return [*self._wanted.conditions(table)]

    def _within(self, at: Any) -> Sequence[ColumnElement[bool]]:
        since, until = self._span
        return (at >= since, at < until)

    def _ended(self, log: Any) -> Sequence[ColumnElement[bool]]:
        return self._within(log.c.settled_at)

    def _named(self, tags: Any) -> ColumnElement[bool]:
        """Which rows of tags are asked by: those of a name, or all, and what stands for those that were erased."""
        name = name_in(self._by or TAG)
        found: ColumnElement[bool] = tags.c.name.in_((name, BLANK)) if name is not None else tags.c.name.is_not(None)
        return found

    def _mine(self, found: Select[Any], tags: Any) -> Select[Any]:
        account = self._wanted.account
        return found if account is None else found.where(tags.c.account == account)


def any_of(sums: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """The condition that something is left of a group."""
    return or_(*(one != 0 for one in sums))


def _columns(log: Any) -> Mapping[str, Any]:
    """The names by which quarters are kept, of the operation log."""
    found = {name: log.c[name] for name in NAMES if name not in ("code", "currency")}
    found |= {name: func.coalesce(log.c[name], NOBODY) for name in ("project", "api_key", "currency")}
    failed = log.c.state.in_(("released", "rejected"))
    return {**found, "code": case((failed, func.coalesce(log.c.reason, NOBODY)), else_=NOBODY)}


def _ends(log: Any) -> Mapping[str, ColumnElement[Any]]:
    """The sums of an operation that ended, as of now."""
    charged, released = log.c.state == "charged", log.c.state == "released"
    found = {name: log.c[name] for name in MEASURES if name in log.c}
    found["held"] = func.coalesce(log.c.quoted, _zero())
    found["charged"] = _count(charged)
    found["rejected"] = _count(log.c.state == "rejected")
    found["released"] = _count(released)
    found["failed"] = _count(released & (log.c.reason != CANCELLED))
    known = func.coalesce(log.c.cost_source, "unknown")
    return {**found, **{name: case((known == str(one), log.c.price), else_=_zero()) for one, name in KNOWN.items()}}


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, literal(1, BigInteger())), else_=_zero())


def _zero() -> ColumnElement[Any]:
    return literal(0, BigInteger())


def _marks(label: Any, counted: int) -> Sequence[ColumnElement[Any]]:
    told = literal(label, Text()) if isinstance(label, str) else label
    return (told.label(TAG), literal(counted, BigInteger()).label("counted"))
