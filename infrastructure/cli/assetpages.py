"""How pages show the asset library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infrastructure.showing.formats import clock, size

if TYPE_CHECKING:
    from application.library.library import ShownAsset
    from application.library.records import AssetLink, AssetPage, AssetRecord
    from domain.money import Money
    from infrastructure.cli.rendering import Page


def show_assets(page: Page, found: AssetPage, account: str, zone: str) -> None:
    """A list of assets."""
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.assets import looks

    page.title(f"Assets of {account}, the newest first, on the clocks of {zone}")
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


def show_asset(page: Page, shown: ShownAsset, zone: str) -> None:
    """One asset."""
    from infrastructure.showing.assets import asset_text

    asset = shown.asset
    page.title(f"Asset {asset.id}: {asset_text(asset)}")
    page.pairs(
        [
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
    if shown.path:
        page.line()
        page.line(f"  {shown.path}", "cyan")


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
