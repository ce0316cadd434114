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
from infrastructure.showing.wording import wording as w

MOST_BARS: Final = 8
MOST_ROWS: Final = 200
"""Rows of a table; the rest comes as one."""
TITLES: Final = {"models": ("model", "kind"), "users": ("user",), "projects": ("project",)}
"""The tables, and what each groups by; all names are of words.toml."""
COUNTED: Final = ("charged", "failed", "rejected", "outputs")


def report_paper(report: UsageReport, brand: Brand) -> Paper:
    """The report as a paper, from top to bottom."""
    return Paper(
        title=w("report.title", start=report.name, end=report.last_day),
        warning="" if report.ended else w("report.may_change"),
        issuer=brand.lines,
        customer=(w("report.account", account=report.account),),
        facts=((w("report.zone"), report.zone), (w("columns.currency"), report.currency)),
        tables=[_table(report, name) for name in TITLES if name != "projects" or _has_projects(report)],
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
    corrected = w("report.corrected") if total["adjusted"] else w("report.all")
    gone = total["failed"] + total["released"]
    return [
        (w("report.spent"), _money(report, total["price"]), corrected),
        (w("report.charged"), f"{total['charged']:,}", w("report.on_days", busy=len(busy), days=len(report.days))),
        (w("report.outputs"), f"{total['outputs']:,}", w("report.outputs_more")),
        (
            w("report.not_charged"),
            f"{gone + total['rejected']:,}",
            w("report.not_charged_more", rejected=f"{total['rejected']:,}", gone=f"{gone:,}"),
        ),
    ]


def _plots(report: UsageReport) -> list[Plot]:
    if not report.total["charged"]:
        return []

    def told(micros: int) -> str:
        return _money(report, micros).rpartition(" ")[0]

    days = [(day, sums["price"]) for day, sums in report.days]
    most = max(days, key=lambda one: one[1])
    daily = w("report.bars", most=_money(report, most[1]), day=most[0])
    bars = _bars_of_models(report)
    across = "; ".join(f"{name} {_money(report, amount)}" for name, amount in bars)
    return [
        bars_by_day(w("report.by_day", currency=report.currency), daily, days, told),
        bars_across(w("report.by_model", currency=report.currency), across, bars, told),
    ]


def _bars_of_models(report: UsageReport) -> list[tuple[str, int]]:
    """The models by their prices, the dearest first; those that are too many are one bar."""
    models: dict[str, int] = {}
    for key, sums in report.parts["models"]:
        models[key[0]] = models.get(key[0], 0) + sums["price"]
    ranked = sorted(models.items(), key=lambda one: (-one[1], one[0]))
    shown, rest = ranked[:MOST_BARS], ranked[MOST_BARS:]
    return [*shown, (w("report.others"), sum(amount for _, amount in rest))] if rest else shown


def _has_projects(report: UsageReport) -> bool:
    return any(key != ("",) for key, _ in report.parts["projects"])


def _table(report: UsageReport, name: str) -> PaperTable:
    titles = TITLES[name]
    names = [PaperColumn(w("columns." + title), 60 // len(titles)) for title in titles]
    counts = [PaperColumn(w("columns." + measure), 12, number=True) for measure in COUNTED]
    rows = report.parts[name]
    told = [_row(report, [text or w("app.none") for text in key], sums) for key, sums in rows[:MOST_ROWS]]
    if rest := rows[MOST_ROWS:]:
        together = {measure: sum(sums[measure] for _, sums in rest) for measure in report.total}
        told.append(_row(report, [w("report.rest", count=len(rest)), *[""] * (len(titles) - 1)], together))
    return PaperTable(w("report.table_" + name), (*names, *counts, PaperColumn(report.currency, 16, number=True)), told)


def _row(report: UsageReport, names: list[str], sums: Sums) -> tuple[str, ...]:
    counts = (f"{sums[measure]:,}" for measure in COUNTED)
    return (*names, *counts, _money(report, sums["price"]).rpartition(" ")[0])


def _sums(report: UsageReport) -> list[tuple[str, str]]:
    total = report.total
    told = [(w("columns.charged"), _money(report, total["price"] - total["adjusted"]))]
    return [
        *told,
        (w("columns.adjusted"), _money(report, total["adjusted"])),
        (w("columns.total"), _money(report, total["price"])),
    ]


def _notes(report: UsageReport, brand: Brand) -> list[str]:
    """How it is read, and from where it can be worked out again."""
    told = [
        w("report.counting"),
        w("report.position", position=f"{report.position:,}"),
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
