"""Our costs beside a provider's bills: as JSON, and as cells of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.money import Money
from infrastructure.showing.formats import cell, iso, money

if TYPE_CHECKING:
    from application.keeping.reconciliation import ReconciledJob

STATUSES: Final = ("matched", "differs", "unreadable", "missing there", "missing here", "open")
AMOUNTS: Final = ("recorded", "billed", "difference", "booked")
FIELDS: Final = ("status", "job", "operation", "account", "model", *AMOUNTS, "currency", "late")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A provider's bills of a span, [since, until) in epoch microseconds, and every job that either side knows."""

    provider: str
    since: int
    until: int
    lines: Sequence[ReconciledJob]
    currency: str

    @property
    def unexplained(self) -> int:
        return sum(not line.is_explained for line in self.lines)

    @property
    def booked(self) -> list[ReconciledJob]:
        return [line for line in self.lines if line.booked]

    def of(self, status: str) -> list[ReconciledJob]:
        return [line for line in self.lines if line.status == status]

    def total(self, lines: Sequence[ReconciledJob], name: str) -> int | None:
        """The sum in micro-units of what is known; None where nothing of it is."""
        found = [getattr(line, name) for line in lines]
        unknown = (name == "recorded" and not all(line.known for line in lines)) or (
            name == "billed" and any(line.status == "unreadable" for line in lines)
        )
        known = [one for one in found if one is not None]
        return None if unknown and not known else sum(known)


def reconciled_document(found: Reconciliation) -> dict[str, object]:
    """All of it: the sums by status, and each job."""
    summary = {
        status: {"jobs": len(lines)} | {name: _money(found.total(lines, name), found.currency) for name in AMOUNTS}
        for status in STATUSES
        if (lines := found.of(status))
    }
    return {
        "provider": found.provider,
        "since": iso(found.since, precision="microseconds"),
        "until": iso(found.until, precision="microseconds"),
        "explained": not found.unexplained,
        "summary": summary,
        "lines": [_line_document(line, found.currency) for line in found.lines],
    }


def _line_document(line: ReconciledJob, currency: str) -> dict[str, object]:
    words = {name: getattr(line, name) or None for name in ("operation", "account", "model")}
    amounts = {name: _money(getattr(line, name), currency) for name in AMOUNTS}
    return {"status": line.status, "job": line.job, **words, **amounts, "late": line.late, "known": line.known}


def _money(micros: int | None, currency: str) -> dict[str, Any] | None:
    return None if micros is None else money(micros, currency)


def reconciled_cells(found: Reconciliation) -> Iterator[Sequence[str]]:
    """A table of every job, its head first."""
    yield FIELDS
    for line in found.lines:
        amounts = [amount_digits(getattr(line, name), found.currency) for name in AMOUNTS]
        words = [cell(word) for word in (line.status, line.job, line.operation, line.account, line.model)]
        yield [*words, *amounts, found.currency, "yes" if line.late else "no"]


def amount_digits(micros: int | None, currency: str) -> str:
    """An amount as an exact decimal; nothing where it is not known."""
    return "" if micros is None else str(Money(micros, currency)).split(" ")[0]
