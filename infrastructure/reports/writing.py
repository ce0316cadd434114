"""A report in a format, as bytes: JSON, or a paper with plots, as HTML and PDF, under anybody's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from domain.advice import Advice
from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.documents.brand import Brand
from infrastructure.documents.paper import Paper, PaperColumn, PaperTable
from infrastructure.documents.plots import Plot, bars_across, bars_by_day
from infrastructure.documents.web import html_of
from infrastructure.reports.usage import Sums, UsageReport, report_document

MOST_BARS: Final = 8
MOST_ROWS: Final = 200
"""Rows of a table; the rest comes as one."""
NAMES: Final = {"models": "By model", "users": "By user", "projects": "By project"}
TITLES: Final = {"models": ("Model", "Kind"), "users": ("User",), "projects": ("Project",)}
COUNTING: Final = (
    "An operation counts on the day on which it ended, and a correction on the day on which it was made."
    " So this may differ from the statement, which counts each in the period in which it was asked for."
)
COUNTED: Final = (
    PaperColumn("Charged", 12, number=True),
    PaperColumn("Failed", 12, number=True),
    PaperColumn("Refused", 12, number=True),
    PaperColumn("Outputs", 12, number=True),
)


def report_paper(report: UsageReport, brand: Brand) -> Paper:
    """The report as a paper, from top to bottom."""
    return Paper(
        title=f"Usage, {report.name} to {report.last_day}",
        warning="" if report.ended else "The period is not over yet: all of this may still change.",
        issuer=brand.lines,
        customer=(f"Account {report.account}",),
        facts=(("Time zone", report.zone), ("Currency", report.currency)),
        tables=[_table(report, name) for name in NAMES if name != "projects" or _has_projects(report)],
        sums=_sums(report),
        balance=(),
        notes=_notes(report, brand),
        issued=report.period.end if report.ended else None,
        figures=_figures(report),
        plots=_plots(report),
        brand=brand,
    )


def _money(report: UsageReport, micros: int) -> str:
    return str(Money(micros, report.currency))


def _figures(report: UsageReport) -> list[tuple[str, str, str]]:
    total, busy = report.total, [day for day, sums in report.days if sums["charged"]]
    gone = total["failed"] + total["released"]
    return [
        ("Spent", _money(report, total["price"]), "corrections included" if total["adjusted"] else "all charges"),
        ("Operations charged", f"{total['charged']:,}", f"on {len(busy)} of {len(report.days)} days"),
        ("Outputs", f"{total['outputs']:,}", "pictures, films and others"),
        ("Not charged", f"{gone + total['rejected']:,}", f"{total['rejected']:,} refused, {gone:,} failed or stopped"),
    ]


def _plots(report: UsageReport) -> list[Plot]:
    if not report.total["charged"]:
        return []

    def told(micros: int) -> str:
        return _money(report, micros).rpartition(" ")[0]

    days = [(day, sums["price"]) for day, sums in report.days]
    most = max(days, key=lambda one: one[1])
    daily = f"Bars by day; the most is {_money(report, most[1])} on {most[0]}."
    models: dict[str, int] = {}
    for key, sums in report.parts["models"]:
        models[key[0]] = models.get(key[0], 0) + sums["price"]
    ranked = sorted(models.items(), key=lambda one: (-one[1], one[0]))
    shown, rest = ranked[:MOST_BARS], ranked[MOST_BARS:]
    bars = [*shown, ("all others", sum(amount for _, amount in rest))] if rest else shown
    across = "; ".join(f"{name} {_money(report, amount)}" for name, amount in bars)
    return [
        bars_by_day(f"Spending by day, {report.currency}", daily, days, told),
        bars_across(f"Spending by model, {report.currency}", across, bars, told),
    ]


def _has_projects(report: UsageReport) -> bool:
    return any(key != ("",) for key, _ in report.parts["projects"])


def _table(report: UsageReport, name: str) -> PaperTable:
    titles = TITLES[name]
    names = [PaperColumn(title, 60 // len(titles)) for title in titles]
    rows = report.parts[name]
    told = [_row(report, [text or "none" for text in key], sums) for key, sums in rows[:MOST_ROWS]]
    if rest := rows[MOST_ROWS:]:
        together = {measure: sum(sums[measure] for _, sums in rest) for measure in report.total}
        told.append(_row(report, [f"{len(rest):,} others", *[""] * (len(titles) - 1)], together))
    return PaperTable(NAMES[name], (*names, *COUNTED, PaperColumn(report.currency, 16, number=True)), told)


def _row(report: UsageReport, names: list[str], sums: Sums) -> tuple[str, ...]:
    counts = (f"{sums[measure]:,}" for measure in ("charged", "failed", "rejected", "outputs"))
    return (*names, *counts, _money(report, sums["price"]).rpartition(" ")[0])


def _sums(report: UsageReport) -> list[tuple[str, str]]:
    total = report.total
    told = [("Charged", _money(report, total["price"] - total["adjusted"]))]
    return [*told, ("Corrections", _money(report, total["adjusted"])), ("Total", _money(report, total["price"]))]


def _notes(report: UsageReport, brand: Brand) -> list[str]:
    """How it is read, and from where it can be worked out again."""
    told = [
        COUNTING,
        f"Worked out from the log up to position {report.position:,}.",
    ]
    return [*told, brand.note] if brand.note else told


def _json(report: UsageReport, _brand: Brand) -> bytes:
    return f"{json.dumps(report_document(report), indent=2, ensure_ascii=False)}\n".encode()


def _html(report: UsageReport, brand: Brand) -> bytes:
    return html_of(report_paper(report, brand)).encode()


def _pdf(report: UsageReport, brand: Brand) -> bytes:
    try:
        from infrastructure.documents.pdf import pdf_of
    except ImportError as error:
        hint = Advice("documents.install")
        raise InvalidInput("format", "pdf needs the extra 'documents'", hint=hint) from error
    return pdf_of(report_paper(report, brand))


FORMATS: Final[Mapping[str, tuple[str, Callable[[UsageReport, Brand], bytes]]]] = {
    "json": ("application/json", _json),
    "html": ("text/html; charset=utf-8", _html),
    "pdf": ("application/pdf", _pdf),
}
"""Each format's media type, and how it is made."""


def report_as(report: UsageReport, format: str, brand: Brand) -> bytes:
    """The report in a format. Raises InvalidInput for an unknown one, or if an extra is not installed."""
    if format not in FORMATS:
        raise InvalidInput("format", f"{format!r} is none", hint=f"choose one of: {', '.join(FORMATS)}")
    return FORMATS[format][1](report, brand)
