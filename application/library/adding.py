"""Files that are brought into the library by themselves: kept first, then one fact, and words about them beside it.

file ── as it comes ──> kept under its digest ── measured ──> AssetAdded ──> an asset, whose lineage begins here
                                                                 └─ beside it, erasable: which file it is
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ledger.contents import Body, content_name
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.transaction import ContentRow, keyed_digest
from application.library.answers import Bringing
from application.library.naming import AssetNames
from application.library.words import LONGEST
from application.ports import Asset, AssetStore
from domain.adding import NewAsset, add_asset
from domain.assets import AssetAdded
from domain.errors import InvalidInput

PIECE: Final = 1024 * 1024
FIELD: Final = "file"
WRITTEN_AS_TEXT: Final = ("model/obj", "model/stl")
"""Models that are recognised only where they are expected."""


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """The id of a file that was brought, and whether that was noted only now."""

    id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Adder:
    """Keeps files and notes them."""

    store: AssetStore
    names: AssetNames
    writer: Ledgers
    new_id: Callable[[], str]
    new_secret: Callable[[], bytes]
    known_account: Callable[[str], Awaitable[object]]

    async def add(self, account: str, file: Path | AsyncIterator[bytes], new: Bringing, actor: str) -> BroughtFile:
        """Raises as `Library.add`; a file that is kept and not noted is swept."""
        await self.known_account(account)
        content = read_in_pieces(file) if isinstance(file, Path) else file
        named = file.name if isinstance(file, Path) and file.name else FIELD
        kept = await self.store.receive(account, content, WRITTEN_AS_TEXT, field=named)
        asset = self.names.named(account, kept)
        row, digest = self._content(account, asset)
        told = NewAsset(
            asset=asset.id,
            user=new.user or account,
            project=new.project,
            media_type=asset.media_type,
            size=asset.size,
            width=asset.width,
            height=asset.height,
            duration_ms=asset.duration_ms,
            content=row.batch,
            digest=digest,
        )
        proposal = Proposal(
            account,
            lambda ledger, now: add_asset(ledger, account, told, now),
            assets=(asset.id,),
            content=row,
            actor=actor,
        )
        facts = (await self.writer.put(proposal)).facts
        return BroughtFile(asset.id, any(isinstance(fact, AssetAdded) for fact in facts))

    def _content(self, account: str, asset: Asset) -> tuple[ContentRow, str]:
        """The content that tells which file the asset is, and the digest by which the log vouches for it."""
        secret, body = self.new_secret(), Body("added", {}, {FIELD: [asset]}).to_json()
        return ContentRow(content_name(asset.id, self.new_id()), account, secret, body), keyed_digest(secret, body)


async def read_in_pieces(file: Path) -> AsyncIterator[bytes]:
    """The file's content as it is read, in threads. Raises InvalidInput if it cannot be read."""
    try:
        with await asyncio.to_thread(file.open, "rb") as stream:
            while piece := await asyncio.to_thread(stream.read, PIECE):
                yield piece
    except OSError as error:
        told = f"{file} cannot be read: {error.strerror}"
        raise InvalidInput(FIELD, told, hint="give the path of a file") from error


def title_by_name(file: Path | AsyncIterator[bytes]) -> str:
    """The title of a file that is given none: its name without the ending, as far as it is text."""
    if not isinstance(file, Path):
        return ""
    plain = "".join(one if one.isprintable() else " " for one in file.stem.replace("_", " "))
    return " ".join(plain.split())[: LONGEST["title"]]
