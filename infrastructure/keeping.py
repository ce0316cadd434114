"""The housekeeping of an open studio: recovered, refunded, erased, swept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from application.keeping.erasing import Eraser
from application.keeping.upkeep import Upkeep
from application.library.files import AssetFiles
from infrastructure.clock import new_secret
from infrastructure.erasing import PersonalRows
from infrastructure.opening import references

if TYPE_CHECKING:
    from application.library.answers import ErasedAssets
    from domain.actor import Actor
    from infrastructure.assembly import Assembly


def upkeep_of(made: Assembly) -> Upkeep:
    """Its use cases."""
    return Upkeep(
        recoverer=made.recoverer,
        references=references(made.log),
        index=made.index,
        writer=made.writer,
        shelf=made.shelf,
        eraser=eraser_of(made),
        clock=made.clock,
        operator=made.operator,
        grace_seconds=made.settings.grace_seconds,
    )


def eraser_of(made: Assembly) -> Eraser:
    """Whoever erases, with the library for files and the webhooks of an account."""

    async def erase_assets(account: str, assets: Sequence[str], by: Actor, reason: str) -> ErasedAssets:
        return await made.library.erase(account, *assets, by=by, reason=reason)

    async def drop_hooks(account: str, by: Actor, reason: str) -> int:
        hooks = await made.webhooks.list(account)
        for hook in hooks:
            await made.webhooks.remove(account, hook.id, by=by, reason=reason)
        return len(hooks)

    return Eraser(
        facts=made.facts,
        index=made.index,
        contents=made.contents,
        files=AssetFiles(made.reader, made.codec, made.contents, made.names),
        personal=PersonalRows(made.database),
        words=made.words,
        shelf=made.shelf,
        writer=made.writer,
        refresh=partial(asyncio.to_thread, made.views.catch_up),
        erase_assets=erase_assets,
        drop_hooks=drop_hooks,
        noise=new_secret,
    )
