"""Thumbnails: a small picture of a picture, a film or a model, drawn when first asked for and kept beside its file.

    asset ─┬─ kept beside its file ───────────────────────────────────> thumbnail
           └─ not yet ── file ── drawn on this machine ── kept ───────> thumbnail
                                                           └─ erased meanwhile: forgotten again

It has its file's digest in its name: whatever deletes the file, an erasure or a sweep, deletes it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from application.ports import Asset, AssetStore, Media, Previewing, ProviderError
from domain.advice import Advice
from domain.errors import InvalidInput

SIDE: Final = 320
"""Pixels of the longer side; what is smaller stays as large as it is."""


class ThumbnailShelf(Protocol):
    """A store that keeps a thumbnail beside each file. Raises StoreUnavailable."""

    async def thumbnail(self, account: str, digest: str) -> Media | None:
        """The one that is kept; None if there is none, or none that can be read any more."""

    async def keep_thumbnail(self, account: str, digest: str, drawn: Media) -> None: ...

    async def drop_thumbnail(self, account: str, digest: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Thumbnails of files; `draws` is whoever draws them here, if anybody does."""

    files: AssetStore
    shelf: ThumbnailShelf
    draws: Previewing | None

    async def of(self, account: str, file: Asset) -> tuple[Media, bool]:
        """The thumbnail of a file, and whether it was drawn only now.

        Raises InvalidInput if nothing draws it here, or nothing of it can be shown; AssetMissing, AssetDamaged.
        """
        kept = await self.shelf.thumbnail(account, file.digest)
        if kept is not None:
            return kept, False
        if self.draws is None:
            raise InvalidInput("thumbnail", "nothing on this machine draws any", hint=Advice("model.install"))
        content = await self.files.load(account, file)
        try:
            drawn = await self.draws.preview(content, SIDE)
        except ProviderError as error:
            told = f"there is none of a file of type {file.media_type}: {error.message}"
            raise InvalidInput("thumbnail", told, hint="pictures, films and GLB models have one") from error
        await self.shelf.keep_thumbnail(account, file.digest, drawn)
        return drawn, True

    async def forget(self, account: str, file: Asset) -> None:
        """Delete the thumbnail of a file that was erased while it was drawn."""
        await self.shelf.drop_thumbnail(account, file.digest)
