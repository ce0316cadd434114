"""One answer of the answers of all shards: rows in one order, sums added, checks one after another.

Positions are each shard's own. If an answer is of a position, the merged one is of `Positions`: which shard was where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import chain, groupby, islice
from typing import Any

from application.keeping.verdict import Verdict
from application.ledger.positions import Positions
from projections.engine.asking import Found, cursor
from projections.engine.columns import Role, ViewRow
from projections.engine.replay import Replay
from projections.engine.view import AnyView
from projections.holding import Holding
from projections.queries import ViewStatus
from projections.summing import Summed, UsageSums, merged_sums
from projections.trialbalance import TrialBalance, TrialLine

Answers = Mapping[str, Any]
"""By the name of its shard."""


def merged_accounts(answers: Answers, _after: str = "", limit: int = 100) -> Sequence[Any]:
    return sorted(chain(*answers.values()), key=lambda one: one.id)[:limit]


def merged_found(
    answers: Answers, view: AnyView, *_asked: Any, after: str | None = None, limit: int | None = None, **_named: Any
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


def merged_all_rows(answers: Answers, view: AnyView, *_asked: Any, **_named: Any) -> list[Any]:
    return [*_rows(view, answers.values())]


def merged_one(answers: Answers, view: AnyView, *_key: str | int) -> Any:
    rows = [row for row in answers.values() if row is not None]
    return _added(view, rows) if rows else None


def merged_status(answers: Answers) -> list[ViewStatus]:
    return [replace(one, view=f"{shard}/{one.view}") for shard, found in answers.items() for one in found]


def merged_balance(answers: Answers, *_asked: Any, **_named: Any) -> TrialBalance:
    lines = sorted(chain(*(one.lines for one in answers.values())), key=_line)
    return TrialBalance(
        merged_positions({name: one.position for name, one in answers.items()}),
        tuple(total for _, same in groupby(lines, _line) if (total := _sum_of([*same])).balance or total.cost_unknown),
    )


def _line(line: TrialLine) -> tuple[str, str]:
    return line.currency, line.ledger_account.name


def _sum_of(lines: Sequence[TrialLine]) -> TrialLine:
    balance, unknown = sum(line.balance for line in lines), sum(line.cost_unknown for line in lines)
    return replace(lines[0], balance=balance, cost_unknown=unknown)


def merged_usage(answers: Answers, *_asked: Any, **page: Any) -> UsageSums:
    found: Sequence[UsageSums] = [*answers.values()]
    spans = [one.span for one in found if one.span is not None]
    span = (min(one[0] for one in spans), max(one[1] for one in spans)) if spans else None
    whole = replace(
        found[0],
        totals=_added_up([one.totals for one in found]),
        open=_held([one.open for one in found]),
        span=span,
        position=merged_positions({name: one.position for name, one in answers.items()}),
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


def merged_replay(answers: Answers, *_account: Any) -> Replay:
    views = (replace(one, view=f"{shard}/{one.view}") for shard, found in answers.items() for one in found.views)
    return Replay(sum(found.facts for found in answers.values()), tuple(views))


def merged_verdict(
    found: Mapping[str, Verdict[Replay]], lost: str = "", misplaced: Sequence[str] = ()
) -> Verdict[Replay]:
    """One verdict of those of shards, with the seal of each; `misplaced` tells what the directory says otherwise."""

    def told(name: str) -> tuple[str, ...]:
        return tuple(f"shard {shard}: {one}" for shard, verdict in found.items() for one in getattr(verdict, name))

    compared = {shard: one.comparison for shard, one in found.items() if one.comparison is not None}
    return Verdict(
        chains=(lost, *told("chains")) if lost else told("chains"),
        index=told("index"),
        tables=(*misplaced, *told("tables")),
        assets=told("assets"),
        bills=told("bills"),
        books=told("books"),
        comparison=merged_replay(compared) if compared else None,
        replay="; ".join(f"shard {shard}: {one.replay}" for shard, one in found.items() if one.replay),
        seal=None,
        seals={shard: one.seal for shard, one in found.items() if one.seal is not None},
    )


def merged_tags(answers: Answers, _operations: Sequence[str]) -> dict[str, dict[str, str]]:
    return {id: tags for found in answers.values() for id, tags in found.items()}


def merged_streams(answers: Answers, *_asked: Any, **_named: Any) -> Iterator[Any]:
    return chain(*answers.values())


def merged_lists(answers: Answers, *_asked: Any, **_named: Any) -> list[Any]:
    return [*chain(*answers.values())]


def merged_total(answers: Answers, *_asked: Any, **_named: Any) -> int:
    return sum(answers.values())


def merged_positions(answers: Answers, *_asked: Any, **_named: Any) -> Positions:
    """The position of each shard."""
    return Positions(answers)


def merged_none(_answers: Answers, *_asked: Any, **_named: Any) -> None:
    return None


def merged_working(answers: Answers) -> tuple[int, int | None]:
    ends = [end for _, end in answers.values() if end is not None]
    return sum(count for count, _ in answers.values()), min(ends, default=None)
