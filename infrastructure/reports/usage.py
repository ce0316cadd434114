"""The usage of an account in a billing period: by day, model, user and project, all from one sum of one position.

    quarters ── one question: by day, kind, model, user and project ──> rows ── added up ──> each table of a report
    quarters that are over ── a question for each table, remembered ──> the same

So all parts of a report come to the same total, which is that of `/v1/usage` for the same span. An operation counts
when it ends and a correction when it is made: once a period is over, its report never changes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from domain.advice import Advice
from domain.billing import UnknownPeriod
from domain.errors import InvalidInput
from domain.periods import Period
from infrastructure.showing.formats import iso, money
from infrastructure.showing.positions import position_document
from projections.queries import Views
from projections.summing import Summed, SumQuestion, UsageSums
from projections.views.quarters import QuarterFilter

if TYPE_CHECKING:
    from application.keeping.statements import BilledPeriod, StatementReader

SUMS: Final = ("charged", "failed", "rejected", "released", "outputs", "price", "adjusted")
GROUPS: Final = ("day", "kind", "model", "user", "project")
PARTS: Final = {"models": ("model", "kind"), "users": ("user",), "projects": ("project",)}
"""Tables of a report, by the columns that they are grouped by."""
DAYS: Final = ("day",)
Sums = Mapping[str, int]


class Reported(Protocol):
    """A ledger, as far as reports are of it: an open studio, or one that is only read."""

    @property
    def views(self) -> Views: ...

    @property
    def statements(self) -> StatementReader: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """A period's sums: in all, of each of its days, and of each group of PARTS, the dearest first.

    `ended` says whether the period is over. Days and instants are those of `zone`.
    """

    account: str
    name: str
    period: Period
    zone: str
    ended: bool
    currency: str
    position: int
    total: Sums
    days: Sequence[tuple[str, Sums]]
    parts: Mapping[str, Sequence[tuple[tuple[str, ...], Sums]]]

    @property
    def last_day(self) -> str:
        return iso(self.period.end - 1, self.zone)[:10]


async def usage_report(ledger: Reported, account: str, which: str | None, now: int) -> UsageReport:
    """The report of the period of a name, otherwise of the newest that is over, or else of the current one.

    Raises UnknownAccount, UnknownPeriod, InvalidInput.
    """
    periods = await ledger.statements.periods(account)
    return await asyncio.to_thread(_summed, ledger, account, chosen(account, periods, which, now), now)


def chosen(account: str, periods: Sequence[BilledPeriod], which: str | None, now: int) -> BilledPeriod:
    """The period of a name such as 2026-04-01, or 2026-04 if one alone begins then. Raises UnknownPeriod."""
    if not periods:
        raise UnknownPeriod(f"nothing was asked of account {account!r} yet, so that it has no period")
    if which is None:
        return ([one for one in periods if one.period.end <= now] or list(periods))[-1]
    found = [one for one in periods if one.name == which] or [one for one in periods if one.name[:7] == which]
    if len(found) > 1:
        raise InvalidInput("period", f"{which!r} may be {' or '.join(one.name for one in found)}")
    if not found:
        told = f"account {account!r} has no billing period {which!r}"
        raise UnknownPeriod(told, hint=Advice("period.list", account=account))
    return found[0]


def _summed(ledger: Reported, account: str, one: BilledPeriod, now: int) -> UsageReport:
    ledger.views.catch_up()
    terms = ledger.statements.billed.account(account).terms
    asked = SumQuestion(
        by=GROUPS,
        zone=one.zone,
        since=one.period.start,
        until=one.period.end,
        wanted=QuarterFilter(account=account),
    )
    ended = one.period.end <= now
    found, rows = _rows_by(ledger.views, asked, terms.currency, ended=ended)
    days = dict(_added(rows[DAYS], lambda row: iso(int(row.group["day"]), one.zone)[:10]))
    return UsageReport(
        account=account,
        name=one.name,
        period=one.period,
        zone=one.zone,
        ended=ended,
        currency=terms.currency,
        position=found.position,
        total=_total(found, terms.currency),
        days=[(day, days.get(day, NOTHING)) for day in days_of(one.period, one.zone)],
        parts={name: _part(rows[columns], columns) for name, columns in PARTS.items()},
    )


def _rows_by(
    views: Views, asked: SumQuestion, currency: str, *, ended: bool
) -> tuple[UsageSums, Mapping[tuple[str, ...], Sequence[Summed]]]:
    """The sums in all, and the rows that each table is added up from.

    A period that is over never changes: each table is asked for by itself, and remembered by the process. One that
    goes on is one statement, so that all tables are of one moment.
    """
    apart = {by: views.sum_up(replace(asked, by=by)) for by in (DAYS, *PARTS.values())} if ended else {}
    if len({str(_total(one, currency)) for one in apart.values()}) != 1:
        whole = views.sum_up(asked)
        apart = dict.fromkeys((DAYS, *PARTS.values()), whole)
    rows = {by: [row for row in one.rows if row.currency == currency] for by, one in apart.items()}
    return apart[DAYS], rows


NOTHING: Final[Sums] = dict.fromkeys(SUMS, 0)


def days_of(period: Period, zone: str) -> list[str]:
    """Every day that the period has a part of."""
    first, last = (date.fromisoformat(iso(at, zone)[:10]) for at in (period.start, period.end - 1))
    return [(first + timedelta(days=one)).isoformat() for one in range((last - first).days + 1)]


def _total(found: UsageSums, currency: str) -> Sums:
    """The total as the statement itself tells it, and not a sum of our own."""
    totals = [one.sums for one in found.totals if one.currency == currency]
    return {name: totals[0][name] for name in SUMS} if totals else NOTHING


def _part(rows: Sequence[Summed], columns: Sequence[str]) -> list[tuple[tuple[str, ...], Sums]]:
    found = _added(rows, lambda row: tuple(str(row.group[one]) for one in columns))
    return sorted(found, key=lambda one: (-one[1]["price"], -one[1]["charged"], one[0]))


def _added(rows: Sequence[Summed], key: Callable[[Summed], Any]) -> list[tuple[Any, Sums]]:
    sums: dict[Any, Counter[str]] = {}
    for row in rows:
        sums.setdefault(key(row), Counter()).update({name: row.sums[name] for name in SUMS})
    return [(key, {name: one[name] for name in SUMS}) for key, one in sums.items()]


def report_document(report: UsageReport) -> dict[str, Any]:
    """A report as JSON; what has no project has null there."""
    return {
        "account": report.account,
        "period": {
            "name": report.name,
            "start": iso(report.period.start),
            "end": iso(report.period.end),
            "last_day": report.last_day,
            "zone": report.zone,
            "ended": report.ended,
        },
        "currency": report.currency,
        **position_document(report.position),
        "total": _sums(report, report.total),
        "days": [{"day": day, **_sums(report, sums)} for day, sums in report.days],
        **{name: _rows(report, name) for name in PARTS},
    }


def _rows(report: UsageReport, name: str) -> list[dict[str, Any]]:
    named = [(dict(zip(PARTS[name], key, strict=True)), sums) for key, sums in report.parts[name]]
    return [{**{one: text or None for one, text in key.items()}, **_sums(report, sums)} for key, sums in named]


def _sums(report: UsageReport, sums: Sums) -> dict[str, Any]:
    amounts = {**sums, "gross": sums["price"] - sums["adjusted"]}
    counts = {name: sums[name] for name in SUMS if name not in ("price", "adjusted")}
    return {**counts, **{name: money(amounts[name], report.currency) for name in ("gross", "adjusted", "price")}}
