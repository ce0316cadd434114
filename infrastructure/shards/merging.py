"""One answer of the answers of all shards: rows in one order, sums added, checks one after another.

Positions are each shard's own. If an answer is of a position, the merged one is of all of them together: their sum,
which grows with every fact of any shard, as one shard's does; `Views.status` tells which of them is at which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import chain, groupby, islice
from typing import Any, Final

from application.keeping.verdict import Verdict
from projections.engine.asking import Found, cursor
from projections.engine.columns import Role, ViewRow
from projections.engine.replay import Replay
from projections.engine.view import AnyView
from projections.holding import Holding
from projections.queries import ViewStatus
from projections.summing import Summed, SumQuestion, UsageSums, merged_sums
from projections.trialbalance import TrialBalance, TrialLine

Answers = Mapping[str, Any]
"""By the name of its shard."""


def _accounts(answers: Answers, _after: str = "", limit: int = 100) -> Sequence[Any]:
    return sorted(chain(*answers.values()), key=lambda one: one.id)[:limit]


def _found(
    answers: Answers, view: AnyView, _wanted: Any = None, *, after: str | None = None, limit: int | None = None
) -> Found[Any]:
    found: Sequence[Found[Any]] = [*answers.values()]
    rows = list(islice(_rows(view, [one.rows for one in found]), None if limit is None else limit + 1))
    more = limit is not None and (len(rows) > limit or any(one.next for one in found))
    if not more:
        return Found(rows, None, whole=after is None)
    return Found(rows[:limit], cursor(view, rows[:limit][-1]), whole=False)


def _rows(view: AnyView, found: Iterable[Sequence[ViewRow]]) -> Iterator[ViewRow]:
    """All in the view's order; rows of one key, which only those without an account can be, are added up."""

    def place(row: ViewRow) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in view.order)

    for _, same in groupby(merge(*found, key=place, reverse=bool(view.newest)), place):
        yield _added(view, [*same])


def _added(view: AnyView, rows: Sequence[Any]) -> Any:
    if len(rows) == 1:
        return rows[0]
    sums = {one: sum(getattr(row, one) for row in rows) for one in view.named(Role.SUM)}
    return replace(rows[0], **sums)


def _all_rows(answers: Answers, view: AnyView, _wanted: Any = None) -> list[Any]:
    return [*_rows(view, answers.values())]


def _one(answers: Answers, view: AnyView, *_key: str | int) -> Any:
    rows = [row for row in answers.values() if row is not None]
    return _added(view, rows) if rows else None


def _status(answers: Answers) -> list[ViewStatus]:
    return [replace(one, view=f"{shard}/{one.view}") for shard, found in answers.items() for one in found]


def _balance(answers: Answers, *_asked: Any, **_named: Any) -> TrialBalance:
    lines = sorted(chain(*(one.lines for one in answers.values())), key=_line)
    return TrialBalance(
        sum(one.position for one in answers.values()),
        tuple(total for _, same in groupby(lines, _line) if (total := _sum_of([*same])).balance or total.cost_unknown),
    )


def _line(line: TrialLine) -> tuple[str, str]:
    return line.currency, line.ledger_account.name


def _sum_of(lines: Sequence[TrialLine]) -> TrialLine:
    balance, unknown = sum(line.balance for line in lines), sum(line.cost_unknown for line in lines)
    return replace(lines[0], balance=balance, cost_unknown=unknown)


def _sums(answers: Answers, _asked: SumQuestion, **page: Any) -> UsageSums:
    found: Sequence[UsageSums] = [*answers.values()]
    spans = [one.span for one in found if one.span is not None]
    span = (min(one[0] for one in spans), max(one[1] for one in spans)) if spans else None
    whole = replace(
        found[0],
        totals=_added_up([one.totals for one in found]),
        open=_held([one.open for one in found]),
        span=span,
        position=sum(one.position for one in found),
        next=next((one.next for one in found if one.next), None),
        erased=any(one.erased for one in found),
    )
    rows = _added_up([one.rows for one in found])
    return merged_sums(whole, rows, page.get("after"), page.get("limit"))


def _added_up(found: Iterable[Sequence[Summed]]) -> tuple[Summed, ...]:
    groups: dict[Any, Summed] = {}
    for one in chain(*found):
        key = (tuple(one.group.items()), one.currency)
        known = groups.get(key)
        sums = one.sums if known is None else {name: known.sums[name] + value for name, value in one.sums.items()}
        groups[key] = replace(known or one, sums=sums)
    return tuple(groups.values())


def _held(found: Iterable[Sequence[Holding]]) -> tuple[Holding, ...]:
    groups: dict[Any, Holding] = {}
    for one in chain(*found):
        key = (tuple(one.group.items()), one.currency)
        known = groups.get(key)
        more = {} if known is None else {"operations": known.operations, "held": known.held}
        groups[key] = replace(one, **{name: getattr(one, name) + value for name, value in more.items()})
    return tuple(groups[key] for key in sorted(groups))


def _replay(answers: Answers, *_account: Any) -> Replay:
    views = (replace(one, view=f"{shard}/{one.view}") for shard, found in answers.items() for one in found.views)
    return Replay(sum(found.facts for found in answers.values()), tuple(views))


def merged_verdict(found: Mapping[str, Verdict[Replay]], lost: str = "") -> Verdict[Replay]:
    """One verdict of those of shards, without a seal: that is one ledger's."""

    def told(name: str) -> tuple[str, ...]:
        return tuple(f"shard {shard}: {one}" for shard, verdict in found.items() for one in getattr(verdict, name))

    compared = {shard: one.comparison for shard, one in found.items() if one.comparison is not None}
    return Verdict(
        chains=(lost, *told("chains")) if lost else told("chains"),
        index=told("index"),
        tables=told("tables"),
        assets=told("assets"),
        bills=told("bills"),
        books=told("books"),
        comparison=_replay(compared) if compared else None,
        replay="; ".join(f"shard {shard}: {one.replay}" for shard, one in found.items() if one.replay),
        seal=None,
    )


def _tags(answers: Answers, _operations: Sequence[str]) -> dict[str, dict[str, str]]:
    return {id: tags for found in answers.values() for id, tags in found.items()}


def _chained(answers: Answers, *_asked: Any, **_named: Any) -> Iterator[Any]:
    return chain(*answers.values())


def _listed(answers: Answers, *_asked: Any, **_named: Any) -> list[Any]:
    return [*chain(*answers.values())]


def _total(answers: Answers, *_asked: Any, **_named: Any) -> int:
    return sum(answers.values())


def _none(_answers: Answers, *_asked: Any, **_named: Any) -> None:
    return None


def _working(answers: Answers) -> tuple[int, int | None]:
    ends = [end for _, end in answers.values() if end is not None]
    return sum(count for count, _ in answers.values()), min(ends, default=None)


ACROSS: Final[Mapping[str, Callable[..., Any]]] = {
    "accounts.list_after": _accounts,
    "alerts.check": _listed,
    "audit.asset_ids": _chained,
    "audit.bills": _chained,
    "audit.books": _chained,
    "audit.compare": _replay,
    "audit.differences": _chained,
    "audit.mend": _chained,
    "audit.rebuild": _total,
    "audit.verify": _chained,
    "books.balance": _balance,
    "log.reader.end": _total,
    "operations.close": _none,
    "upkeep.recover": _listed,
    "upkeep.working": _working,
    "views.catch_up": _total,
    "views.find": _found,
    "views.one": _one,
    "views.retry": _none,
    "views.rows": _all_rows,
    "views.status": _status,
    "views.sum_up": _sums,
    "views.tags": _tags,
}
"""How the answers of calls that name no account are put together."""


def asked_of_each(path: str, args: tuple[Any, ...], named: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the question that each shard is asked: of groups by size all, as one may be large only together."""
    if path == "views.sum_up" and args[0].top is not None:
        return {name: value for name, value in named.items() if name not in ("after", "limit")}
    return named
