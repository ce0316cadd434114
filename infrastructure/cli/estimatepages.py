"""An estimate as a page: what would be held, by which price, and who would be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.counts import counted
from infrastructure.cli.resultpages import amount_text, class_rows, left_text, warned
from infrastructure.showing.sales import sold_in_words

if TYPE_CHECKING:
    from application.asking.requests import Candidate, Estimate
    from infrastructure.cli.rendering import Page

SOME = 5


def show_estimate(page: Page, found: Estimate) -> None:
    _show_held(page, found)
    unknown = "unknown" if found.price is None else f"another for each {found.unit}"
    listed_in = found.currency if found.sale is None else found.sale.currency
    rate = f"{found.rate} {listed_in} per {found.unit}" if found.rate is not None else unknown
    verdict = "admitted" if found.refused is None else f"refused: {found.refused}"
    page.pairs(
        [
            ("model", f"{found.model} ({found.provider})"),
            *class_rows(found.model_class),
            ("rate", rate),
            ("units", f"{found.units} × {found.unit}, {counted(found.operations, 'operation')}"),
            ("price", _priced(found)),
            *(("paid by", f"{one.amount} of {one.grant} ({one.source})") for one in found.grants),
            *([("own", str(found.own))] if found.grants and found.own is not None else []),
            ("cost", amount_text(found.cost, _source(found, found.cost_source))),
            *_quoted(found),
            ("price book", found.price_book),
            ("now", f"it would be {verdict}"),
            ("left", left_text(found.left, found.currency)),
            *warned(found.warnings),
            *(("note", note) for note in found.notes),
        ]
    )
    show_chain(page, found.chain)


def _show_held(page: Page, found: Estimate) -> None:
    from application.asking.refusals import ADVICE
    from infrastructure.showing.hints import in_shell

    if found.refused == "unpriced":
        page.title("It would be refused: the price is not known, and the account has no cap for such operations")
        page.line(f"  {in_shell(ADVICE['unpriced'])}", "dim")
    elif found.price is None:
        page.title(f"The price is not known; at most {found.held} would be held")
    else:
        page.title(f"{found.price} would be held")


def show_chain(page: Page, chain: Sequence[Candidate]) -> None:
    """Who would be asked one after the other, and who not, by reason."""
    from infrastructure.cli.rendering import PageColumn

    asked = [one for one in chain if not one.skipped]
    page.line()
    page.line("Asked in this order, each if the one before definitely refuses:", "dim")
    page.table(
        PageColumn("MODEL", [one.model for one in asked]),
        PageColumn("PROVIDER", [one.provider for one in asked]),
        PageColumn("CLASS", [one.model_class for one in asked]),
        PageColumn("PRICE", ["unknown" if one.price is None else str(one.price) for one in asked], right=True),
    )
    reasons: dict[str, list[str]] = {}
    for one in chain:
        if one.skipped:
            reasons.setdefault(one.skipped, []).append(one.model)
    if reasons:
        page.line()
        page.line("Not asked:", "dim")
        page.pairs([(counted(len(models), "model"), f"{why}: {_some(models)}") for why, models in reasons.items()])


def _some(models: Sequence[str]) -> str:
    return ", ".join(models[:SOME]) + (" …" if len(models) > SOME else "")


def _priced(found: Estimate) -> str:
    """The charge that is expected; if nobody knows it, at most the cap, if there is one."""
    if found.price is not None:
        return amount_text(found.price, _source(found, found.price_source))
    return f"unknown, at most {found.held}" if found.held is not None else "unknown"


def _source(found: Estimate, source: str) -> str:
    """How an amount is known, told apart from what a provider quotes for this very request."""
    return "by the price book" if source == "quoted" and found.listed is None else source


def _quoted(found: Estimate) -> list[tuple[str, str]]:
    """How it is sold for another price than the price book's, or else the provider's own quote if it gave one."""
    if found.sale is not None:
        return [("sold", sold_in_words(found.sale, found.currency))]
    if found.listed is None:
        return []
    return [("quoted", f"{found.cost} by the provider; the price book says {found.listed}")]
