"""A result as a page: what was done, what it cost, and where the files are; and words that pages of work share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infrastructure.showing.formats import TOGETHER, limit_of, lost_text, size, tags_text, unlike_text

if TYPE_CHECKING:
    from application.asking.requests import Result
    from application.ports import Asset
    from domain.money import Money
    from infrastructure.cli.rendering import Page

NOT_REAL = {
    "stand-in": "stand-in: it only imitates what was asked for",
    "test": "test: it does what its inputs say",
}


def show_result(page: Page, result: Result, copies: Mapping[tuple[str, int], Path]) -> None:
    """The work that was done, what it cost, and where the files are."""
    _show_outcome(page, result)
    notes = [("note", note) for note in result.notes]
    page.pairs([*_result_rows(result), *result.metadata.items(), *warned(result.warnings), *notes])
    if len(result.operations) > 1:
        page.line()
        _show_operations(page, result)
    page.line()
    for one in result.operations:
        for place, output in enumerate(one.outputs):
            page.line(f"  {described(output.asset)}")
            page.line(f"  {copies.get((one.operation, place)) or output.where}", "cyan")


def _show_outcome(page: Page, result: Result) -> None:
    if result.repeated:
        page.title("Done before under this key; nothing was done or charged again")
    elif result.lost and not result.assets:
        page.title(f"Nothing could be kept: {lost_text(result.lost, result.losses)}")
    else:
        page.title(f"Charged {result.price}" if result.price.micros else result.status.capitalize())


def _result_rows(result: Result) -> list[tuple[str, str]]:
    rows = [
        ("operation", result.operation),
        ("model", f"{result.model} ({result.provider})"),
        *class_rows(result.model_class),
        *(("rerouted", str(moved)) for moved in result.rerouted),
        ("price", amount_text(result.price, result.price_source)),
        ("cost", amount_text(result.cost, result.cost_source, partial=result.cost_partial)),
    ]
    if len(result.assets) < result.asked:
        lost = f"; {lost_text(result.lost, result.losses)}" if result.lost else ""
        rows.append(("delivered", f"{len(result.assets)} of {result.asked}{lost}"))
    if result.unlike:
        rows.append(("unlike", f"{unlike_text(result.unlike)}; see: imagestudio operation {result.operation}"))
    if result.tags:
        rows.append(("tags", tags_text(result.tags)))
    if result.left:
        rows.append(("left", left_text(result.left, result.price.currency)))
    return rows


def show_cancelled(page: Page, result: Result) -> None:
    page.title("Cancelled; nothing is charged")
    page.pairs(
        [
            ("operation", result.operation),
            ("model", f"{result.model} ({result.provider})"),
            ("left", left_text(result.left, result.price.currency)),
        ]
    )
    if len(result.operations) > 1:
        page.line()
        _show_operations(page, result)


def _show_operations(page: Page, result: Result) -> None:
    from infrastructure.cli.rendering import PageColumn, amounts, state_style

    page.table(
        PageColumn("OPERATION", [one.operation for one in result.operations]),
        PageColumn("STATE", [one.status for one in result.operations], style=state_style),
        PageColumn("FILES", [str(len(one.outputs)) for one in result.operations], right=True, drop=2),
        amounts("PRICE", [one.price for one in result.operations]),
        amounts("COST", [one.cost for one in result.operations], drop=1),
    )


def class_rows(model_class: str | None) -> list[tuple[str, str]]:
    """A model that is not a real one is named so wherever its work is."""
    words = NOT_REAL.get(model_class or "")
    return [("class", words)] if words else []


def amount_text(amount: Money | None, source: str | None, *, partial: bool = False) -> str:
    """An amount and how it is known; a sum with parts that are not is at least what is."""
    if amount is None:
        return "unknown"
    least = "at least " if partial else ""
    return f"{least}{amount}" + (f" ({source})" if source is not None else "")


def left_text(left: Mapping[str, int | None], currency: str) -> str:
    """The rest of each limit, in one line."""
    parts = [f"{measure} {limit_of(measure, limit, currency)}" for measure, limit in left.items()]
    return " · ".join(part.replace(" ", TOGETHER) for part in parts)


def warned(warnings: Sequence[str]) -> list[tuple[str, str]]:
    return [("warning", warning) for warning in warnings]


def described(asset: Asset) -> str:
    """A file in words: its type, pixels, seconds and bytes."""
    parts: Sequence[str] = (
        asset.media_type,
        f"{asset.width}×{asset.height}" if asset.width and asset.height else "",
        f"{asset.duration_ms / 1000:g} s" if asset.duration_ms else "",
        size(asset.size),
    )
    return ", ".join(part for part in parts if part)
