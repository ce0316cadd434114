"""The library of a studio, made of the parts that it shares with the rest."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from application.library.adding import Adder
from application.library.archive import Archiver
from application.library.files import AssetFiles
from application.library.library import Library
from application.library.links import Links
from application.library.thumbnails import Thumbnails
from application.library.words import PromptIndexer
from application.ports import Previewing
from infrastructure.clock import SECOND, new_id, new_secret
from infrastructure.linkkeys import link_keys_of
from infrastructure.media import extension
from infrastructure.shelves import AssetsInViews
from infrastructure.showing.assets import shown_document

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly

DAY = 24 * 60 * 60 * SECOND


def library_of(made: Assembly) -> Library:
    """The library on the log, the views and the files of an assembly; previews are drawn by the first who can."""
    indexer = PromptIndexer(made.reader, made.codec, made.words)
    draws = next((one for one in made.by_name.values() if isinstance(one, Previewing)), None)
    return Library(
        records=AssetsInViews(made.views, made.database),
        files=AssetFiles(made.reader, made.codec, made.contents, made.names),
        store=made.assets,
        advance=partial(asyncio.to_thread, made.views.catch_up),
        index_prompts=lambda: None if made.database.reading else indexer.advance(),
        word_store=made.words,
        index=made.index,
        writer=made.writer,
        shelf=made.shelf,
        clock=made.clock,
        operator=made.operator,
        archiver=Archiver(made.shelf.pieces, extension, shown_document),
        thumbnails=Thumbnails(made.assets, made.shelf, draws),
        links=Links(made.shelf, partial(link_keys_of, made.settings), made.clock),
        adder=Adder(made.assets, made.names, made.writer, new_id, new_secret, made.accounts.show),
        trash_time=made.settings.trash_days * DAY,
    )
