"""How pages show the asset library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.counts import counted
from infrastructure.showing.formats import clock, size

if TYPE_CHECKING:
    from pathlib import Path

    from application.library.answers import AddedAsset, ShownAsset
    from application.library.lineage import AssetSpend, Kin, Lineage
    from application.library.records import AssetLink, AssetPage, AssetRecord, LibraryTotals
    from domain.money import Money
    from infrastructure.cli.commands import Report
    from infrastructure.cli.rendering import Page


def show_assets(page: Page, found: AssetPage, account: str, zone: str, sort: str = "newest") -> None:
    """A list of assets."""
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.assets import looks

    told = "by title" if sort == "title" else f"the {sort} first"
    page.title(f"Assets of {account}, {told}, on the clocks of {zone}")
    rows = found.assets
    if not rows:
        page.line("  none is like that", "dim")
        return
    page.table(
        PageColumn("ASSET", [one.id for one in rows]),
        PageColumn("SEEN", [clock(one.first_seen, zone) for one in rows], drop=2),
        PageColumn("TYPE", [one.media_type for one in rows]),
        PageColumn("LOOKS", [looks(one) for one in rows], drop=3),
        PageColumn("SIZE", [size(one.size) for one in rows], right=True, drop=4),
        PageColumn("BY", [one.kind or "brought" for one in rows], drop=1),
        PageColumn("MODEL", [one.model or "" for one in rows], drop=5),
        PageColumn("USER", [one.user for one in rows], drop=6),
        amounts("PRICE", [one.price for one in rows]),
    )
    if found.next is not None:
        page.line(f"  more follow: --after {found.next}", "dim")


def added_report(files: Sequence[Path], added: Sequence[AddedAsset]) -> Report:
    """The assets that files have become."""
    from infrastructure.cli.commands import Report
    from infrastructure.showing.assets import asset_document, asset_text

    def show(page: Page) -> None:
        for file, one in zip(files, added, strict=True):
            known = "" if one.is_new else ", which was here"
            page.line(f"{one.asset.id}  {asset_text(one.asset)}{known}  {file.name}")

    rows = [{**asset_document(one.asset), "new": one.is_new} for one in added]
    return Report({"assets": rows}, show)


def show_shelf(page: Page, found: Sequence[Lineage], account: str) -> None:
    """Assets with their own prices, and with the prices of all that they came from."""
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.assets import looks

    page.title(f"Library of {account}: each asset, and what it cost with all that it came from")
    page.table(
        PageColumn("ASSET", [one.asset.id for one in found], drop=2),
        PageColumn("BY", [one.asset.kind or "brought" for one in found]),
        PageColumn("LOOKS", [looks(one.asset) for one in found], drop=3),
        PageColumn("FROM", [str(len(one.ancestors.assets) or "") for one in found], right=True, drop=1),
        amounts("PRICE", [one.asset.price for one in found]),
        amounts("WITH ANCESTORS", [one.whole.price for one in found]),
    )


def show_asset(page: Page, shown: ShownAsset, zone: str) -> None:
    """One asset."""
    from infrastructure.showing.assets import asset_text

    asset = shown.asset
    page.title(f"Asset {asset.id}: {asset_text(asset)}")
    words = shown.words
    page.pairs(
        [
            *([("title", words.title)] if words.title else []),
            *([("description", words.description)] if words.description else []),
            *([("tags", ", ".join(words.tags))] if words.tags else []),
            *([("collections", ", ".join(words.collections))] if words.collections else []),
            *([("favourite", "yes")] if words.favourite else []),
            ("account", asset.account),
            ("user", asset.user),
            *([("project", asset.project)] if asset.project else []),
            ("first seen", f"{clock(asset.first_seen, zone)} in {zone}"),
            ("standing", asset.standing),
            ("made by", _maker(asset)),
            ("price", "nothing was charged for it here" if asset.price is None else f"{asset.price}, its share"),
            ("cost", _cost(asset.cost, partial=asset.cost_partial, made=asset.made > 0)),
        ]
    )
    _show_links(page, "made by", shown.made_by)
    _show_links(page, "used by", shown.used_by)
    if shown.where:
        page.line()
        page.line(f"  {shown.where}", "cyan")


def show_lineage(page: Page, found: Lineage) -> None:
    """An asset with its ancestors and descendants, as two trees."""
    from infrastructure.showing.assets import asset_text

    page.title(f"Asset {found.asset.id}: {asset_text(found.asset)}")
    page.pairs([("in all", _whole(found.whole)), ("cost", _cost_of(found.whole))])
    for title, kin, near in (("came from", found.ancestors, "output"), ("came to be", found.descendants, "input")):
        page.line()
        page.line(f"  {title}" if kin.assets else f"  {title}: nothing here", "dim")
        for line in _tree(kin, found.asset, near):
            page.line(f"  {line}")


def show_totals(page: Page, found: LibraryTotals, account: str) -> None:
    """The sums over a library."""
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(f"{counted(found.assets, 'asset')} of {account}, {size(found.size)}")
    page.pairs(
        [
            ("price", str(found.price or "nothing was charged")),
            ("cost", _cost(found.cost, partial=found.cost_partial, made=found.price is not None)),
            ("favourites", "not known" if found.favourites is None else f"{found.favourites:,}"),
        ]
    )
    if found.parts:
        page.line()
        page.table(
            PageColumn("TYPE", [one.media_type for one in found.parts]),
            PageColumn("BY", [one.kind or "brought" for one in found.parts]),
            PageColumn("MODEL", [one.model or "" for one in found.parts], drop=2),
            PageColumn("ASSETS", [f"{one.assets:,}" for one in found.parts], right=True),
            PageColumn("SIZE", [size(one.size) for one in found.parts], right=True, drop=1),
            amounts("PRICE", [one.price for one in found.parts]),
        )


def _whole(spend: AssetSpend) -> str:
    operations = f"{spend.operations} operation{'' if spend.operations == 1 else 's'}"
    brought = f"; {spend.brought} brought, for which nothing was paid here" if spend.brought else ""
    return f"{spend.price or 'nothing was charged'}, by {operations}{brought}"


def _cost_of(spend: AssetSpend) -> str:
    return _cost(spend.cost, partial=spend.cost_partial, made=spend.operations > 0)


def _tree(kin: Kin, root: AssetRecord, near: str) -> list[str]:
    """A line an asset under the one that it is connected with; one that is met again is not followed again."""
    known = {one.id: one for one in kin.assets}
    lines: list[str] = []
    met = {root.id}
    waiting = [(root.id, 0)]
    while waiting:
        id, depth = waiting.pop()
        operations = {link.operation for link in kin.links if link.asset == id and link.role == near}
        far = {link.asset: link for link in kin.links if link.operation in operations and link.role != near}
        if depth:
            lines.append("  " * depth + _node(known[id]))
        waiting += [(one, depth + 1) for one in reversed(far) if one in known and one not in met]
        met |= far.keys()
    return lines


def _node(asset: AssetRecord) -> str:
    from infrastructure.showing.assets import asset_text

    by = f"{asset.kind} with {asset.model}, {asset.price}" if asset.kind else "brought"
    return f"{asset.id}  {by}  ({asset_text(asset)})"


def _maker(asset: AssetRecord) -> str:
    if asset.operation is None:
        return "brought: no operation here made it"
    return f"{asset.kind} with {asset.model} ({asset.provider})"


def _cost(cost: Money | None, *, partial: bool, made: bool) -> str:
    if not made:
        return "nothing was billed for it here"
    if cost is None:
        return "unknown"
    return f"at least {cost}" if partial else str(cost)


def _show_links(page: Page, told: str, links: Sequence[AssetLink]) -> None:
    if not links:
        return
    page.line()
    for link in links:
        place = f"{link.field or 'output'} {link.place + 1} of {link.files}"
        page.line(f"  {told} operation {link.operation} ({place})")
