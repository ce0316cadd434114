"""A statement as one HTML page, complete in itself, to be read on a screen or printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from infrastructure.documents.paper import Paper, PaperTable

STYLE: Final = """
@page { size: A4; margin: 18mm }
body { font: 14px/1.45 Roboto, "Noto Sans", system-ui, sans-serif; color: #1c1c1c }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem; margin: 0 0 .4rem } h2 { font-size: 1rem; margin: 1.6rem 0 .3rem }
header { display: flex; justify-content: space-between; gap: 2rem; flex-wrap: wrap; margin-bottom: 1rem }
.party { margin: 0 0 .8rem; white-space: pre-line } .warning { color: #a30000; font-weight: 600 }
table { border-collapse: collapse; width: 100% } .scroll { overflow-x: auto }
th, td { text-align: left; padding: .25rem .5rem .25rem 0; vertical-align: top; overflow-wrap: anywhere }
th { border-bottom: 1px solid #555; font-weight: 600; white-space: nowrap } td { border-bottom: 1px solid #e3e3e3 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding: .25rem 0 .25rem .5rem }
.facts th, .sums th { border: 0; font-weight: 400; color: #555; padding-right: 1.2rem }
.facts td, .sums td { border: 0 }
.facts, .sums { width: auto } .sums { margin: 1.4rem 0 0 auto }
.sums tr.last > * { border-top: 1px solid #555; font-weight: 700; color: inherit; font-size: 1.1rem }
footer { margin-top: 1.8rem; font-size: .8rem; color: #555; overflow-wrap: anywhere }
tr { break-inside: avoid } thead { display: table-header-group }
"""


def html_of(paper: Paper) -> str:
    """The page, as text in UTF-8."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(paper.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f"<header>\n<div>\n<h1>{escape(paper.title)}</h1>\n{_pairs(paper.facts, 'facts')}\n</div>",
        f"<div>\n{_party(paper.issuer)}{_party(paper.customer)}</div>\n</header>",
    ]
    if paper.warning:
        parts.append(f'<p class="warning">{escape(paper.warning)}</p>')
    parts += [_table(table) for table in paper.tables]
    parts += [_pairs(sums, "sums") for sums in (paper.sums, paper.balance) if sums]
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in paper.notes)
    return "\n".join([*parts, f"<footer>\n{notes}\n</footer>\n</body>\n</html>\n"])


def _party(lines: Sequence[str]) -> str:
    return f'<p class="party">{escape(chr(10).join(lines))}</p>\n' if lines else ""


def _pairs(pairs: Sequence[tuple[str, str]], name: str) -> str:
    """Names and values; of sums the last one stands out."""
    number = ' class="number"' if name == "sums" else ""
    rows = [f'<th scope="row">{escape(label)}</th><td{number}>{escape(value)}</td>' for label, value in pairs]
    marked = [*(f"<tr>{row}</tr>" for row in rows[:-1]), *(f'<tr class="last">{row}</tr>' for row in rows[-1:])]
    return f'<table class="{name}">\n' + "\n".join(marked) + "\n</table>"


def _table(table: PaperTable) -> str:
    names = [' class="number"' if column.number else "" for column in table.columns]
    titles = zip(names, (column.title for column in table.columns), strict=True)
    head = "".join(f'<th scope="col"{name}>{escape(title)}</th>' for name, title in titles)
    body = "\n".join(_row(names, row) for row in table.rows)
    whole = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    return f'<h2>{escape(table.title)}</h2>\n<div class="scroll">{whole}</div>'


def _row(names: Iterable[str], cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td{name}>{escape(cell)}</td>" for name, cell in zip(names, cells, strict=True)) + "</tr>"
