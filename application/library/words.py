"""The words that people keep about assets: personal, so they stand beside the log and go with their asset.

await studio.library.words.describe("acme", asset, title="The lake", favourite=True)
await studio.library.words.tag("acme", asset, add=["spring"])
await studio.library.words.collect("acme", "Campaign", [asset])
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader
from application.library.answers import NO_WORDS, AssetWords
from domain.errors import InvalidInput, UnknownCollection
from domain.inputs import shortened
from domain.operation import ProviderCompleted

LONGEST = {"title": 200, "description": 5_000, "tag": 50, "collection": 100}
"""Characters."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class AssetCollection:
    """A collection of an account's assets: its name, what it is for, and how many assets are in it."""

    name: str
    description: str
    assets: int


class WordStore(Protocol):
    """The tables beside the log that hold words, and the index over them; blocking. Raises StoreUnavailable."""

    def of(self, account: str, assets: Collection[str]) -> Mapping[str, AssetWords]:
        """Those of the assets about which something is written."""

    def describe(self, account: str, asset: str, changes: Mapping[str, str | bool]) -> None: ...

    def tag(self, account: str, asset: str, add: Collection[str], remove: Collection[str]) -> None: ...

    def put_collection(self, account: str, name: str, description: str | None, at: int) -> None: ...

    def rename_collection(self, account: str, name: str, new: str) -> bool:
        """False if there is none of that name. Raises InvalidInput if the new name is taken."""

    def collections(self, account: str) -> Sequence[AssetCollection]: ...

    def collect(self, account: str, name: str, add: Collection[str], remove: Collection[str]) -> bool:
        """False if there is no collection of that name."""

    def drop_collection(self, account: str, name: str) -> bool: ...

    def forget(self, account: str, assets: Collection[str]) -> None:
        """Delete all words about assets that are erased, and leave no trace of what was deleted before either."""

    def forget_prompts(self, account: str, assets: Collection[str]) -> None:
        """Delete the words of the prompts by which assets were made, in the same way."""

    def indexed_to(self) -> int:
        """The position of the log up to which prompts are indexed."""

    def index(
        self, made: Sequence[tuple[str, str, str]], prompt_of: Callable[[str], str], before: int, after: int
    ) -> None:
        """Index the prompts of what was made (account, asset, batch), as far as their content is kept."""


@dataclass(frozen=True, slots=True)
class PromptIndexer:
    """Brings the index of prompts up to the log; blocking."""

    reader: LogReader
    codec: Codec
    words: WordStore

    def advance(self) -> None:
        """Index what was made since the last time."""
        wanted = LogFilter(topics=self.codec.names_of(ProviderCompleted))
        position, end = self.words.indexed_to(), self.reader.end()
        while position < end:
            page = self.reader.read(position, PAGE, wanted)
            facts = [self.codec.decode(entry.link.topic, entry.link.state) for entry in page]
            made = [
                (fact.operation.account, stored.id, fact.operation.batch)
                for fact in facts
                if isinstance(fact, ProviderCompleted)
                for stored in fact.assets
            ]
            after = page[-1].position if len(page) == PAGE else end
            self.words.index(made, prompt_in, position, after)
            position = after


def prompt_in(body: str) -> str:
    """The prompt of a request's content, empty if it has none."""
    for inputs in Body.from_json(body).inputs.values():
        prompt = inputs.get("prompt", "")
        return prompt if isinstance(prompt, str) else ""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All that people write about their assets; `known` raises UnknownAsset for one that is not the account's."""

    store: WordStore
    known: Callable[[str, str], Awaitable[object]]
    clock: Callable[[], int]

    async def of(self, account: str, *assets: str) -> Mapping[str, AssetWords]:
        """The words about each of the assets."""
        found = await asyncio.to_thread(self.store.of, account, assets)
        return {asset: found.get(asset, NO_WORDS) for asset in assets}

    async def describe(
        self,
        account: str,
        asset: str,
        *,
        title: str | None = None,
        description: str | None = None,
        favourite: bool | None = None,
    ) -> AssetWords:
        """Change what is named; None leaves it. Raises UnknownAsset, InvalidInput."""
        await self.known(account, asset)
        changes: dict[str, str | bool] = {}
        for name, text in (("title", title), ("description", description)):
            if text is not None:
                changes[name] = kept_text(name, text)
        if favourite is not None:
            changes["favourite"] = favourite
        if changes:
            await asyncio.to_thread(self.store.describe, account, asset, changes)
        return (await self.of(account, asset))[asset]

    async def tag(
        self, account: str, asset: str, *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> AssetWords:
        """Add and take away tags. Raises UnknownAsset, InvalidInput."""
        await self.known(account, asset)
        added = [kept_text("tag", one, needed=True) for one in add]
        await asyncio.to_thread(self.store.tag, account, asset, added, remove)
        return (await self.of(account, asset))[asset]

    async def collections(self, account: str) -> Sequence[AssetCollection]:
        """The account's collections, by name."""
        return await asyncio.to_thread(self.store.collections, account)

    async def make_collection(self, account: str, name: str, *, description: str | None = None) -> None:
        """Make it, or describe it anew. Raises InvalidInput."""
        kept_text("collection", name, needed=True)
        text = None if description is None else kept_text("description", description)
        await asyncio.to_thread(self.store.put_collection, account, name, text, self.clock())

    async def rename_collection(self, account: str, name: str, new: str) -> None:
        """Give it another name; its assets stay in it. Raises UnknownCollection, InvalidInput if the name is taken."""
        kept = kept_text("collection", new, needed=True)
        if not await asyncio.to_thread(self.store.rename_collection, account, name, kept):
            raise unknown_collection(name)

    async def drop_collection(self, account: str, name: str) -> None:
        """Take it away; its assets stay. Raises UnknownCollection."""
        if not await asyncio.to_thread(self.store.drop_collection, account, name):
            raise unknown_collection(name)

    async def collect(
        self, account: str, name: str, *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Put assets into a collection, and take others out. Raises UnknownCollection, UnknownAsset."""
        for asset in add:
            await self.known(account, asset)
        if not await asyncio.to_thread(self.store.collect, account, name, add, remove):
            raise unknown_collection(name)


def unknown_collection(name: str) -> UnknownCollection:
    return UnknownCollection(f"there is no collection {name!r}", hint="make it first")


def kept_text(name: str, text: object, *, needed: bool = False) -> str:
    """A text that can be kept. Raises InvalidInput."""
    if not isinstance(text, str) or (needed and not text.strip()):
        raise InvalidInput(name, f"must be text, not {shortened(text)}")
    if len(text) > LONGEST[name]:
        raise InvalidInput(name, f"has {len(text)} characters; at most {LONGEST[name]} are kept")
    if any(not one.isprintable() and one not in "\n\t" for one in text):
        raise InvalidInput(name, "has characters that are not text", hint="remove them")
    return text.strip()
