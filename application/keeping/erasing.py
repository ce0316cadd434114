"""Erasure of an operation, a user or an account: all that stands beside the log about it, with evidence.

    users ── UserErased: a pseudonym for ever ── views and all that is shown of the log
    batches ── own files ── needed by others? ── kept
       │                        └─ no ── ContentErased, with the assets that go ── content and key, words, files deleted
       └─ of a user: the files that they brought; of an account: names, collections, webhooks' addresses, too
    looked for again ── ErasureDone, with the digest of the document

The facts come first, so that a crash leaves something to delete and nothing unsaid; the same erasure again goes on. The
log stays as it is. Whether others need a file is asked file by file, so the cost is in proportion to what is erased.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from typing import Final, Protocol

from application.ledger.contents import Body, canonical
from application.ledger.facts import OperationFacts
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.library.answers import ErasedAssets
from application.library.files import AssetFiles
from application.library.words import WordStore
from application.ports import Contents, Index
from application.scope import operations_of
from domain.account import Account
from domain.actor import Actor
from domain.erasure import (
    ACCOUNT,
    OPERATION,
    USER,
    ErasureEvidence,
    UnknownUser,
    hide_users,
    is_named_in,
    keys_naming,
    note_erasure,
)
from domain.errors import IllegalTransition
from domain.ids import check_id
from domain.ledger import ContentErased, Fact, Ledger, known_account
from domain.meant import meant
from domain.operation import CLOSED_PHASES, ProviderCompleted, Requested
from domain.pseudonyms import is_pseudonym, pseudonym_of
from domain.settlement import erase_content

AT_ONCE: Final = 50
"""Batches whose erasure is one append."""
GIVEN: Final = "give the id as it was given with the requests"


@dataclass(frozen=True, slots=True)
class AskedBatch:
    """A batch that somebody asked for, and whether one of its operations is open."""

    batch: str
    open: bool


@dataclass(frozen=True, slots=True)
class AssetUse:
    """A batch that made an asset by an operation, or came with it."""

    batch: str
    operation: str
    made: bool


class Personal(Protocol):
    """Finds in views, and deletes in tables beside the log; blocking. Raises StoreUnavailable."""

    def batches(self, account: str, names: Sequence[str]) -> Sequence[AskedBatch]:
        """Those of a user, by their names, or of the whole account, as the views know them; none that was refused."""

    def users(self, account: str) -> Sequence[str]:
        """All users of the account, as the views name them."""

    def knows(self, account: str, user: str) -> bool:
        """Whether any view, any term that held once, or any decision of theirs names a user."""

    def hide(self, account: str, users: Mapping[str, str]) -> Counter[str]:
        """Put pseudonyms in the place of users, in views and in whatever is made of them."""

    def uses(self, account: str, asset: str) -> Iterator[AssetUse]:
        """Who made or brought an asset, as far as anybody asks, the newest first."""

    def brought(self, account: str, names: Sequence[str]) -> Sequence[str]:
        """Assets that were first brought by a user, or by anybody, without an operation, and are not erased."""

    def erase(self, gone: BatchRows) -> Counter[str]:
        """Delete the rows of batches, by the table that they were in; one transaction."""

    def erase_names(self, account: str, keys: Sequence[str]) -> Counter[str]:
        """Delete the names of API keys."""

    def erase_account(self, account: str) -> Counter[str]:
        """Delete names and collections of a whole account, and what its webhooks answered."""

    def left(self, account: str, batches: Collection[str], users: Collection[str], *, whole: bool) -> Counter[str]:
        """The rows that are still there."""


@dataclass(frozen=True, slots=True)
class BatchRows:
    """The ids by which rows of batches are found: their own, and those of their operations and keys."""

    account: str
    batches: Sequence[str]
    operations: Sequence[str]
    keys: Sequence[str]


@dataclass(slots=True)
class Own:
    """The operations, keys and assets of a few batches; assets by id, with the digest of their file."""

    operations: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    noted: set[str] = field(default_factory=set)
    assets: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Done:
    """The part that is erased so far."""

    assets: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


class ErasableShelf(Protocol):
    """An asset store that can forget, and say whether it did."""

    async def erase(self, account: str, digest: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Erases; `refresh` brings the views up to the log, and `drop_hooks` removes an account's webhooks."""

    facts: OperationFacts
    index: Index
    contents: Contents
    files: AssetFiles
    personal: Personal
    words: WordStore
    shelf: ErasableShelf
    writer: Ledgers
    refresh: Callable[[], Awaitable[object]]
    erase_assets: Callable[[str, Sequence[str], Actor, str], Awaitable[ErasedAssets]]
    drop_hooks: Callable[[str, Actor, str], Awaitable[int]]
    noise: Callable[[], bytes]

    async def operation(self, account: str, operation: str, by: Actor, reason: str) -> ErasureEvidence:
        """All of the operation's batch. Raises UnknownOperation, and IllegalTransition while one of it is open."""
        await operations_of(self.index, account, operation)
        batch = await asyncio.to_thread(self._batch_of, operation)
        await self.refresh()
        done = await self._batches(account, [batch], by, reason)
        return await self._evidence(
            ErasureEvidence(OPERATION, account, batch, reason, (batch,), (), (), {}, {}), done, by
        )

    async def user(self, account: str, user: str, by: Actor, reason: str) -> ErasureEvidence:
        """All that a user asked for and brought. Raises UnknownUser, and IllegalTransition if one of theirs is open."""
        await self._check_known(account, user)
        return await self._all(USER, account, user, by, reason)

    async def account(self, account: str, by: Actor, reason: str) -> ErasureEvidence:
        """All that anybody of the account asked for, brought and named, and its webhooks. Raises as `user`."""
        return await self._all(ACCOUNT, account, None, by, reason)

    async def _all(self, scope: str, account: str, user: str | None, by: Actor, reason: str) -> ErasureEvidence:
        known = await self._pseudonyms(account)
        await self.refresh()
        names = [] if user is None else [user, *(known[one] for one in (user,) if one in known)]
        asked = await asyncio.to_thread(self.personal.batches, account, names)
        open = [one.batch for one in asked if one.open]
        if open:
            what = f"{len(open)} of what is to be erased is still open, such as {open[0]}"
            raise IllegalTransition(what, hint="wait until it ends, or cancel it")
        batches = [one.batch for one in asked]
        done = await self._batches(account, batches, by, reason)
        await self._brought(account, names, by, reason, done)
        await self._hide(account, user, by, reason, done)
        if user is not None:
            mine = keys_naming(await self._terms(account), user)
            done.counts += await asyncio.to_thread(self.personal.erase_names, account, mine)
        else:
            done.counts["webhooks"] += await self.drop_hooks(account, by, reason)
            done.counts += await asyncio.to_thread(self.personal.erase_account, account)
        named = (scope, account, user or account, reason)
        return await self._evidence(ErasureEvidence(*named, tuple(batches), (), (), {}, {}), done, by)

    async def _check_known(self, account: str, user: str) -> None:
        """Raises UnknownUser for an id that is nobody's, before anything is written."""
        check_id("user", user)
        terms = await self._terms(account)
        await self.refresh()
        if is_named_in(terms, user) or await asyncio.to_thread(self.personal.knows, account, user):
            return
        users = await asyncio.to_thread(self.personal.users, account)
        told = f"account {account!r} has no user {user!r}: nothing was asked for, brought or decided by them"
        raise UnknownUser(told, hint=meant(user, users, GIVEN) if users else GIVEN)

    async def _hide(self, account: str, user: str | None, by: Actor, reason: str, done: Done) -> None:
        """Have the user, or all users of the account, shown by pseudonyms from now on."""
        users = [user] if user is not None else await asyncio.to_thread(self.personal.users, account)
        drawn = {one: pseudonym_of(self.noise()) for one in users if not is_pseudonym(one)}

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*hide_users(known_account(ledger, account), drawn, reason, now)]

        await self.writer.put(Proposal(account, decide, actor=str(by)))
        hidden = await self._pseudonyms(account)
        chosen = {one: name for one, name in hidden.items() if user in (None, one)}
        done.users += chosen
        if chosen:
            await self.refresh()
            done.counts += await asyncio.to_thread(self.personal.hide, account, chosen)

    async def _pseudonyms(self, account: str) -> Mapping[str, str]:
        """Of the account's erased users. Raises UnknownAccount."""
        return (await self._terms(account)).erased

    async def _terms(self, account: str) -> Account:
        proposal = Proposal(account, _nothing, look=lambda ledger, _now: known_account(ledger, account))
        found: Account = (await self.writer.put(proposal)).seen
        return found

    async def _batches(self, account: str, batches: Sequence[str], by: Actor, reason: str) -> Done:
        done, gone = Done(), frozenset(batches)
        waiting = iter(batches)
        while some := [*islice(waiting, AT_ONCE)]:
            await self._some(account, some, gone, by, reason, done)
        return done

    async def _some(
        self, account: str, batches: Sequence[str], gone: Collection[str], by: Actor, reason: str, done: Done
    ) -> None:
        """A few batches: their facts in one append, and then their rows and files."""
        own = await asyncio.to_thread(self._own, account, batches)
        going = await asyncio.to_thread(self._going, account, own, gone)
        new = [id for id in own.operations if id not in own.noted]

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return erase_content(ledger, new, reason, now, tuple(going))

        if new:
            await self.writer.put(Proposal(account, decide, operations=tuple(new), actor=str(by)))
        rows = BatchRows(account, batches, own.operations, own.keys)
        done.counts += await asyncio.to_thread(self.personal.erase, rows)
        await asyncio.to_thread(self._forget_words, account, [*own.assets], going)
        for id in going:
            done.counts["files"] += await self.shelf.erase(account, own.assets[id])
        done.assets += going
        done.kept |= own.assets.keys() - set(going)

    def _forget_words(self, account: str, own: Sequence[str], going: Sequence[str]) -> None:
        """The prompt is no longer found by, and of what goes nothing is."""
        self.words.forget_prompts(account, own)
        self.words.forget(account, going)

    async def _brought(self, account: str, names: Sequence[str], by: Actor, reason: str, done: Done) -> None:
        """Files that came by themselves: all of an account's, and a user's unless others work with them."""
        await self.refresh()
        assets = await asyncio.to_thread(self.personal.brought, account, names)
        if names:
            needed = await asyncio.to_thread(lambda: [id for id in assets if self._is_used(account, id, ())])
            done.kept |= {*needed}
            assets = [id for id in assets if id not in set(needed)]
        if assets:
            erased = await self.erase_assets(account, assets, by, reason)
            done.assets += erased.assets
            done.counts["files"] += erased.files

    async def _evidence(self, found: ErasureEvidence, done: Done, by: Actor) -> ErasureEvidence:
        """The document, and the fact about it if anything was there to erase."""
        whole = found.scope == ACCOUNT
        left = await asyncio.to_thread(self.personal.left, found.account, found.batches, done.users, whole=whole)
        erased = {name: count for name, count in sorted(done.counts.items()) if count}
        kept = tuple(sorted(done.kept - {*done.assets}))
        told = replace(
            found, assets=tuple(sorted(done.assets)), kept=kept, erased=erased, left=dict(sorted(left.items()))
        )
        if not (erased or left):
            return told
        told = replace(told, digest=sha256(canonical(told.content()).encode()).hexdigest())

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*note_erasure(known_account(ledger, found.account), told, now)]

        await self.writer.put(Proposal(found.account, decide, actor=str(by)))
        return told

    def _own(self, account: str, batches: Sequence[str]) -> Own:
        """Whatever the facts and the contents of batches say of them."""
        own = Own()
        for batch in batches:
            for one in self.index.operations(batch):
                own.operations.append(one.operation)
                if one.phase not in CLOSED_PHASES:
                    raise IllegalTransition(f"operation {one.operation} is still open", hint="wait until it ends")
                for fact in self.facts.of(one.operation):
                    _note(own, one.operation, fact)
            content = self.contents.load(batch)
            given = Body.from_json(content.body).media.values() if content is not None else ()
            for asset in (asset for assets in given for asset in assets):
                own.assets[self.files.names.id(account, asset.digest)] = asset.digest
        return own

    def _going(self, account: str, own: Own, gone: Collection[str]) -> list[str]:
        """The assets whose files nobody but these batches needs."""
        free = [id for id in sorted(own.assets) if not self._is_added(account, id)]
        return [id for id in free if not self._is_used(account, id, gone)]

    def _is_used(self, account: str, asset: str, gone: Collection[str]) -> bool:
        """Whether an operation of another batch needs it: one with content, or one that made it and was not erased."""
        for use in self.personal.uses(account, asset):
            if use.batch in gone:
                continue
            if self.contents.load(use.batch) is not None:
                return True
            if use.made and not any(isinstance(fact, ContentErased) for fact in self.facts.of(use.operation)):
                return True
        return False

    def _is_added(self, account: str, asset: str) -> bool:
        """Whether somebody brought it by itself, and that was not erased."""
        return any(self.contents.load(content) is not None for content in self.files.additions(account, asset))

    def _batch_of(self, operation: str) -> str:
        known = self.index.operations(operation)
        requested = next(fact for fact in self.facts.of(known[0].operation) if isinstance(fact, Requested))
        return requested.operation.batch


def _note(own: Own, operation: str, fact: Fact) -> None:
    if isinstance(fact, ContentErased):
        own.noted.add(operation)
    elif isinstance(fact, Requested) and fact.key is not None:
        own.keys.append(fact.key)
    elif isinstance(fact, ProviderCompleted):
        own.assets.update((stored.id, stored.digest) for stored in fact.assets)


def _nothing(_ledger: Ledger, _now: int) -> list[Fact]:
    """Nothing is decided."""
    return []
