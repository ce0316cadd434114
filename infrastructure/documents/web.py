"""A paper as one HTML page, complete in itself, to be read on a screen or printed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from infrastructure.documents.brand import Brand
from infrastructure.documents.paper import Paper, PaperTable
from infrastructure.documents.plots import svg_of

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
.brand { display: flex; align-items: center; gap: .8rem; padding-bottom: .8rem; margin-bottom: 1.6rem }
.brand { border-bottom: 2px solid ACCENT; font-weight: 600; font-size: 1.05rem }
.brand img { max-height: 2.6rem; max-width: 12rem }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1.2rem }
.figures { margin: 1.4rem 0 1.8rem }
.figures dt { color: #555; font-size: .85rem } .figures dd { margin: .1rem 0 0; font-size: 1.6rem; font-weight: 600 }
.figures dd small { display: block; font-weight: 400; font-size: .8rem; color: #555 }
figure { margin: 0 0 1.4rem; break-inside: avoid } svg { width: 100%; height: auto; display: block }
svg text { font-size: 2.9px; fill: #555 } svg .bar { fill: ACCENT } svg .rule { stroke: #ddd; stroke-width: .2 }
tr { break-inside: avoid } thead { display: table-header-group }
"""


def html_of(paper: Paper) -> str:
    """The page, as text in UTF-8."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(paper.title)}</title>\n<style>{_style(paper.brand)}</style>\n</head>\n<body>",
        _brand(paper.brand),
        f"<header>\n<div>\n<h1>{escape(paper.title)}</h1>\n{_pairs(paper.facts, 'facts')}\n</div>",
        f"<div>\n{_party(paper.issuer)}{_party(paper.customer)}</div>\n</header>",
    ]
    if paper.warning:
        parts.append(f'<p class="warning">{escape(paper.warning)}</p>')
    parts += [_figures(paper.figures), *map(svg_of, paper.plots)]
    parts += [_table(table) for table in paper.tables]
    parts += [_pairs(sums, "sums") for sums in (paper.sums, paper.balance) if sums]
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in paper.notes)
    return "\n".join([*filter(None, parts), f"<footer>\n{notes}\n</footer>\n</body>\n</html>\n"])


def _style(brand: Brand | None) -> str:
    return STYLE.replace("ACCENT", "#1c1c1c" if brand is None else brand.accent)


def _brand(brand: Brand | None) -> str:
    if brand is None:
        return ""
    logo = ""
    if brand.logo is not None:
        content = b64encode(brand.logo.content).decode()
        logo = f'<img alt="" src="data:{brand.logo.media_type};base64,{content}">'
    return f'<div class="brand">{logo}<span>{escape(brand.name)}</span></div>'


def _figures(figures: Sequence[tuple[str, str, str]]) -> str:
    told = [
        f"<div><dt>{escape(label)}</dt><dd>{escape(amount)}<small>{escape(more)}</small></dd></div>"
        for label, amount, more in figures
    ]
    return f'<dl class="figures">{"".join(told)}</dl>' if told else ""


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
