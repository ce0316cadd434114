"""The library at a service: the methods of `application.library.library.Library`, over HTTP.

Each takes the account first, as the library's do; an empty one is the key's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from application.library.answers import BRINGING, AddedAsset, AssetWords, Bringing, ErasedAssets, ShownAsset
from application.library.archive import Archived, archived_in
from application.library.lineage import Lineage
from application.library.links import USUAL_SECONDS, SignedLink
from application.library.records import ALL_KEPT, AssetLink, AssetPage, AssetQuery, AssetRecord, LibraryTotals
from application.ports import Asset, Media
from domain.errors import AssetMissing, InvalidInput
from domain.periods import EARLIEST, LATEST
from infrastructure.client.records import (
    asset_from,
    lineage_from,
    links_from,
    page_from,
    record,
    shown_from,
    totals_from,
)
from infrastructure.client.sending import form_of, sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import iso

PATH: Final = "/v1/assets"
PAGE: Final = 50
WORDS: Final = ("type", "kind", "model", "provider", "user", "project", "text", "tag", "collection", "sort")
UNSENT: Final = ("made", "sizes")
"""Parts of a query that a service takes no parameter for."""


@dataclass(frozen=True, slots=True)
class RemoteLibrary:
    """Assets that were made and brought. The log names the key for whatever is done to them."""

    wire: Wire

    async def list(
        self, account: str = "", wanted: AssetQuery = ALL_KEPT, *, after: str | None = None, limit: int = PAGE
    ) -> AssetPage:
        """Assets in the order that is wanted, after the cursor of a page before. Raises InvalidInput."""
        return page_from(await self._get(account, PATH, page_parameters(wanted, after, limit)))

    async def show(self, account: str, asset: str) -> ShownAsset:
        """All that is known of one asset. Raises UnknownAsset."""
        return shown_from(await self._get(account, _path(asset)))

    async def known(self, account: str, asset: str) -> AssetRecord:
        """The asset as it stands now. Raises UnknownAsset."""
        return (await self.show(account, asset)).asset

    async def statistics(self, account: str = "", wanted: AssetQuery = ALL_KEPT) -> LibraryTotals:
        """How many assets there are, how large they are, and what they cost. Raises InvalidInput."""
        return totals_from(await self._get(account, f"{PATH}/statistics", query_parameters(wanted)))

    async def of_operation(self, account: str, operation: str) -> tuple[AssetLink, ...]:
        """The inputs and outputs of an operation, or of all of a batch. Raises UnknownOperation."""
        found = await self._get(account, f"/v1/operations/{quote(operation, safe='')}/assets")
        return links_from(found["links"])

    async def lineage(self, account: str, asset: str) -> Lineage:
        """Ancestors and descendants of the asset, and what all of it cost. Raises UnknownAsset."""
        return lineage_from(await self._get(account, _path(asset, "lineage")))

    async def file(self, account: str, asset: str) -> Asset:
        """The file of an asset, to be read by `pieces`. Raises UnknownAsset, AssetMissing if it is erased."""
        shown = await self.show(account, asset)
        if shown.digest is None or shown.asset.standing == "erased":
            raise AssetMissing(f"the file of asset {asset} is gone", hint="it was erased; make it or bring it again")
        one = shown.asset
        return Asset(shown.digest, one.media_type, one.size, one.width, one.height, one.duration_ms, one.id)

    def pieces(self, account: str, file: Asset) -> Iterator[bytes]:
        """A file as it comes, for a thread that may wait; the last piece comes once its digest is the same.

        Raises AssetMissing, AssetDamaged, Unreachable.
        """
        return self.wire.pieces(file, account)

    async def content(self, account: str, asset: str) -> Media:
        """The file of an asset, whole. Raises as `file` and `pieces`."""
        file = await self.file(account, asset)
        content = await asyncio.to_thread(lambda: b"".join(self.pieces(account, file)))
        return Media(content, file.media_type, file.width, file.height, file.duration_ms)

    async def thumbnail(self, account: str, asset: str) -> Media:
        """A small picture of it, whose pixels are not told. Raises UnknownAsset, AssetMissing, InvalidInput."""
        answer = await self.wire.ask(Call(method="GET", path=_path(asset, "thumbnail"), account=account))
        return Media(answer.content, answer.headers["content-type"])

    async def archive(self, account: str, assets: Sequence[str], stream: BinaryIO) -> Archived:
        """Write the files of these assets into a stream as one ZIP file; nothing of one that came in part.

        Raises UnknownAsset, InvalidInput, Unreachable and what the stream raises.
        """
        return await self._archive(account, {"assets": [*assets]}, stream)

    async def archive_named(self, account: str, names: Mapping[str, str], stream: BinaryIO) -> Archived:
        """The same under names of the caller's, to which extensions are added; `names` has the asset of each."""
        return await self._archive(account, {"names": dict(names)}, stream)

    async def _archive(self, account: str, asked: Mapping[str, Any], stream: BinaryIO) -> Archived:
        call = Call(method="POST", path=f"{PATH}/archive", account=account, body=sent_as_json(asked))
        with TemporaryFile() as whole:
            await self.wire.save(call, whole)
            archived = await asyncio.to_thread(archived_in, whole)
            whole.seek(0)
            await asyncio.to_thread(copyfileobj, whole, stream)
        return archived

    async def link(self, account: str, asset: str, *, expires: int = USUAL_SECONDS) -> SignedLink:
        """An address by which anybody reads the file for so many seconds. Raises UnknownAsset, InvalidInput."""
        return record(SignedLink, await self._post(account, _path(asset, "link"), {"expires": expires}))

    async def add(self, account: str, file: bytes | Path, *, new: Bringing = BRINGING) -> AddedAsset:
        """Bring a file; the same bytes are the same asset. Its user and project are those of the key.

        Raises InvalidInput for what is no media or too large, or if `new` says more than a title.
        """
        if (new.user, new.project, new.by) != (None, None, None):
            raise InvalidInput("new", "a service knows user, project and actor by the key", hint="give the title alone")
        params = {"title": new.title} if new.title else None
        call = Call(method="POST", path=PATH, account=account, body=form_of("file", file), params=params)
        found = await self.wire.document(call)
        return AddedAsset(asset_from({name: one for name, one in found.items() if name != "new"}), found["new"])

    async def describe(self, /, account: str, asset: str, **words: Any) -> AssetWords:
        """Change words about it: `title`, `description`, `favourite`, `tags` to add, those to `untag`."""
        call = Call(method="PATCH", path=_path(asset), account=account, body=sent_as_json(words))
        return record(AssetWords, await self.wire.document(call))

    async def trash(self, account: str, asset: str, *, reason: str = "") -> AssetRecord:
        """Leave it out of the library until it is restored, or its time in the trash is over. Raises UnknownAsset."""
        return asset_from(await self._post(account, _path(asset, "trash"), {"reason": reason}))

    async def restore(self, account: str, asset: str, *, reason: str = "") -> AssetRecord:
        """Have it in the library again. Raises UnknownAsset, AssetMissing if it is erased."""
        return asset_from(await self._post(account, _path(asset, "restore"), {"reason": reason}))

    async def expire(self, account: str, asset: str, *, at: int | None, reason: str = "") -> AssetRecord:
        """Have it erased once the instant is past (epoch microseconds), or never by itself. Raises InvalidInput."""
        told = {"at": None if at is None else iso(at, precision="microseconds"), "reason": reason}
        return asset_from(await self._post(account, _path(asset, "expire"), told))

    async def erase(self, account: str, *assets: str, reason: str = "") -> ErasedAssets:
        """Delete their files for ever, one after the other. Raises UnknownAsset, IllegalTransition."""
        done = [await self._post(account, _path(one, "erase"), {"reason": reason}) for one in dict.fromkeys(assets)]
        return ErasedAssets(tuple(id for one in done for id in one["assets"]), sum(one["files"] for one in done))

    async def empty_trash(self, account: str, *, reason: str = "") -> ErasedAssets:
        """Erase all that is in the account's trash. Raises as `erase`."""
        return record(ErasedAssets, await self._post(account, f"{PATH}/trash/empty", {"reason": reason}))

    async def _get(self, account: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        return await self.wire.document(Call(method="GET", path=path, account=account, params=params))

    async def _post(self, account: str, path: str, fields: Mapping[str, Any]) -> Any:
        return await self.wire.document(Call(method="POST", path=path, account=account, body=sent_as_json(fields)))


def _path(asset: str, *steps: str) -> str:
    return "/".join((PATH, quote(asset, safe=""), *steps))


def page_parameters(wanted: AssetQuery, after: str | None, limit: int) -> dict[str, str]:
    """The parameters of a page of a list."""
    return {**query_parameters(wanted), "limit": str(limit), **({} if after is None else {"after": after})}


def query_parameters(wanted: AssetQuery) -> dict[str, str]:
    for name in UNSENT:
        if getattr(wanted, name) is not None:
            raise InvalidInput(name, "is not asked of a service", hint=f"choose by: {', '.join(WORDS)}")
    told = {name: getattr(wanted, name) for name in WORDS if getattr(wanted, name) is not None}
    return {
        **told,
        **_span(wanted.seen),
        "standing": wanted.standing or "any",
        "favourite": "true" if wanted.favourite else "false",
    }


def _span(seen: tuple[int, int] | None) -> dict[str, str]:
    """The days or instants between which an asset was first seen; an end that is none is left out."""
    if seen is None:
        return {}
    since = {"since": iso(seen[0], precision="auto")} if seen[0] > EARLIEST else {}
    return {**since, "until": iso(seen[1], precision="auto")} if seen[1] < LATEST else since
