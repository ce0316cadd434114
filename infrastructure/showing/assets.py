"""The library's answers, as JSON and in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import document, iso, size

if TYPE_CHECKING:
    from application.library.answers import ShownAsset
    from application.library.lineage import Kin, Lineage
    from application.library.records import AssetLink, AssetPage, AssetRecord

INSTANTS = ("first_seen", "last_seen", "stood_at", "expires", "at")


def asset_document(asset: AssetRecord) -> dict[str, Any]:
    """One asset; what nobody knows is null."""
    return _timed(document(asset))


def page_document(page: AssetPage) -> dict[str, Any]:
    """A page of assets, and the cursor if more follow."""
    return {
        "assets": [asset_document(one) for one in page.assets],
        **({} if page.next is None else {"next": page.next}),
    }


def shown_document(shown: ShownAsset) -> dict[str, Any]:
    """An asset with its file, and the operations that made and used it."""
    return {
        **asset_document(shown.asset),
        "digest": shown.digest,
        "path": shown.path,
        "where": shown.where,
        "words": document(shown.words),
        "made_by": links_document(shown.made_by),
        "used_by": links_document(shown.used_by),
    }


def lineage_document(found: Lineage) -> dict[str, Any]:
    """An asset, both directions of its lineage, and what it cost with all that it came from."""
    return {
        "asset": asset_document(found.asset),
        "whole": document(found.whole),
        "ancestors": _kin(found.ancestors),
        "descendants": _kin(found.descendants),
    }


def looks(asset: AssetRecord) -> str:
    """A file's pixels as shown, and its seconds."""
    parts = (
        f"{asset.width}×{asset.height}" if asset.width and asset.height else "",
        f"{asset.duration_ms / 1000:g} s" if asset.duration_ms else "",
    )
    return ", ".join(part for part in parts if part)


def asset_text(asset: AssetRecord) -> str:
    """A file in words: its type, pixels, seconds and bytes."""
    return ", ".join(part for part in (asset.media_type, looks(asset), size(asset.size)) if part)


def _kin(kin: Kin) -> dict[str, Any]:
    return {"assets": [asset_document(one) for one in kin.assets], "links": links_document(kin.links)}


def links_document(links: Iterable[AssetLink]) -> list[dict[str, Any]]:
    """Places of assets in operations."""
    return [_timed(document(link)) for link in links]


def _timed(written: dict[str, Any]) -> dict[str, Any]:
    return {name: _instant(value) if name in INSTANTS else value for name, value in written.items()}


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at, precision="auto")
