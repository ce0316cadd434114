"""API keys: issued, changed and revoked by small decisions, each one append; a secret is returned once, by `issue`.

new = await studio.keys.issue("acme", KeyTerms((KeyScope.OPERATE,)), name="web shop", limits={"spend": 25_000_000})
holder = await studio.keys.known(new.secret)
await studio.keys.revoke("acme", new.key.id, reason="lost")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, Protocol

from application.keeping.keyring import KeyRing, Pepper, Peppers
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.looking import LedgerReader
from domain import account as terms_of
from domain.account import Account, AccountFact, key_scope
from domain.actor import Actor
from domain.authority import KeyHolder
from domain.entering import current_period
from domain.errors import InvalidInput
from domain.issuing import SealedKey, change_key, issue_key, known_key, open_studios_account, revoke_key
from domain.keys import STUDIO, ApiKey, KeyScope, KeyTerms
from domain.keytext import mint, sealed
from domain.ledger import Fact, Ledger, known_account
from domain.limiting import change_limit
from domain.usage import NOTHING_USED

LONGEST_NAME = 200
"""Characters."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
FIRST = "the first start of a service"


class KeyNames(Protocol):
    """The names that people give to keys, beside the log; blocking. Raises StoreUnavailable."""

    def of(self, account: str) -> Mapping[str, str]:
        """The names of an account's keys, by their ids."""

    def put(self, account: str, key: str, name: str) -> None:
        """Name it; nothing takes the name away."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as its account's ledger stands, without a trace of its secret; amounts by measure, as an account's are.

    `standing` is "live", "expired" or "revoked". `left` is of the key's own limits alone.
    """

    id: str
    account: str
    name: str
    standing: str
    terms: KeyTerms
    issued: int
    revoked: int | None
    currency: str
    limits: Mapping[str, int | None]
    used: Mapping[str, int]
    held: Mapping[str, int]
    left: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just issued, and its secret, which nobody can show again."""

    key: KeyView
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReader:
    """Shows keys as their accounts' ledgers stand."""

    ledgers: LedgerReader
    names: KeyNames

    async def list(self, account: str) -> Sequence[KeyView]:
        """The account's keys, in the order in which they were issued. Raises UnknownAccount."""

        def look(ledger: Ledger, now: int) -> list[KeyView]:
            return [key_view(ledger, account, id, now) for id in known_account(ledger, account).keys]

        found = await self.ledgers.look(account, look)
        return await self._named(account, found)

    async def show(self, account: str, key: str) -> KeyView:
        """One key of the account. Raises UnknownAccount, UnknownApiKey."""
        found = await self.ledgers.look(account, lambda ledger, now: key_view(ledger, account, key, now))
        return (await self._named(account, [found]))[0]

    async def _named(self, account: str, found: Sequence[KeyView]) -> Sequence[KeyView]:
        names = await asyncio.to_thread(self.names.of, account)
        return [replace(one, name=names.get(one.id, "")) for one in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(KeyReader):
    """The use cases of those who administer keys, and `known`, which every request begins with.

    Each fact names who did it: `by`, or else the `operator` for whom this process works. A `reason` is kept with it.
    """

    writer: Ledgers
    ring: KeyRing
    peppers: Peppers
    new_secret: Callable[[], bytes]
    operator: Actor
    currency: str
    """Of all prices, and so of all accounts."""

    async def known(self, secret: str) -> KeyHolder:
        """The holder of a key, by its secret. Raises Unauthenticated, and StoreUnavailable if nobody can tell."""
        return await self.ring.known(secret)

    async def shown_before(self, account: str, key: str) -> KeyHolder:
        """The holder of a key whose secret was `known` before, as a session remembers it by its id. Raises alike."""
        return await self.ring.shown_before(account, key)

    async def issue(
        self,
        account: str,
        terms: KeyTerms,
        *,
        name: str = "",
        limits: Mapping[str, int | None] = NOTHING,
        by: Actor | None = None,
        reason: str = "",
    ) -> NewKey:
        """A new key. `limits` are of its scope: outputs of a family a period, or micro-units of "spend".

        Raises UnknownAccount, InvalidInput.
        """
        name = key_name(name)
        issued = await self._issue(account, terms, limits, by, reason)
        assert issued is not None, "only the first key may be there already"
        if name:
            await asyncio.to_thread(self.names.put, account, issued.key.id, name)
        return replace(issued, key=replace(issued.key, name=name))

    async def change(
        self,
        account: str,
        key: str,
        *,
        changes: Mapping[str, Any] = NOTHING,
        name: str | None = None,
        limits: Mapping[str, int | None] = NOTHING,
        by: Actor | None = None,
        reason: str = "",
    ) -> KeyView:
        """Change what is named of a key's terms (`changes`, by the fields of KeyTerms), its name and its limits.

        Raises UnknownAccount, UnknownApiKey, IllegalTransition if it was revoked, InvalidInput.
        """
        named = None if name is None else key_name(name)

        def decide(known: Account, now: int) -> list[AccountFact]:
            facts = change_key(known, key, _changed(known_key(known, key).terms, changes), now, reason)
            return _limited(known, facts, key, limits, now, reason)

        await self._decide(account, key, decide, by)
        if named is not None:
            await asyncio.to_thread(self.names.put, account, key, named)
        return await self.show(account, key)

    async def revoke(self, account: str, key: str, *, by: Actor | None = None, reason: str = "") -> KeyView:
        """Let it open nothing any more, at once here and within a second elsewhere. Raises UnknownApiKey."""
        found = await self._decide(account, key, lambda known, now: revoke_key(known, key, now, reason), by)
        return (await self._named(account, [found]))[0]

    async def ensure_first_key(self) -> NewKey | None:
        """The studio's first administrator's key, for the one who asks first; None if one was ever issued.

        Of many processes that ask at once exactly one gets it.
        """
        if await self.ledgers.look(STUDIO, lambda ledger, _now: ledger.account is not None and ledger.account.keys):
            return None
        issued = await self._issue(STUDIO, KeyTerms((KeyScope.ADMIN,)), NOTHING, None, FIRST, first=True)
        if issued is not None:
            await asyncio.to_thread(self.names.put, STUDIO, issued.key.id, "first key")
        return issued

    async def _issue(
        self,
        account: str,
        terms: KeyTerms,
        limits: Mapping[str, int | None],
        by: Actor | None,
        reason: str,
        *,
        first: bool = False,
    ) -> NewKey | None:
        minted, pepper = mint(self.new_secret()), await self._pepper(account)
        key = SealedKey(minted.id, sealed(minted.secret, pepper.value), pepper.name)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            opened = open_studios_account(ledger.account, self.currency, now) if account == STUDIO else []
            known = known_account(ledger, account) if ledger.account or not opened else _after(None, opened)
            if first and known.keys.keys() - {key.id}:
                return []
            facts = issue_key(known, key, terms, now, reason)
            return [*opened, *_limited(known, facts, key.id, limits, now, reason)]

        def look(ledger: Ledger, now: int) -> KeyView | None:
            known = known_account(ledger, account)
            return key_view(ledger, account, key.id, now) if key.id in known.keys else None

        actor = str(by or self.operator)
        proposal = Proposal(account, decide, opening=account == STUDIO, look=look, actor=actor)
        view: KeyView | None = (await self.writer.put(proposal)).seen
        return None if view is None else NewKey(view, minted.secret)

    async def _pepper(self, account: str) -> Pepper:
        """The pepper for a new key. Raises InvalidInput if no process that opens the keys in use would open it."""
        own = await asyncio.to_thread(self.peppers)
        in_use: set[str] = set()
        for one in (account, STUDIO):
            in_use |= await self.ledgers.look(one, _peppers_in_use)
        if in_use and not in_use & {pepper.name for pepper in own}:
            told = f"no key in use is under one that this process has, but under {', '.join(sorted(in_use))}"
            raise InvalidInput("peppers", told, hint="give it the peppers of the others, or revoke those keys first")
        return own[0]

    async def _decide(
        self, account: str, key: str, decide: Callable[[Account, int], list[AccountFact]], by: Actor | None
    ) -> KeyView:
        def decided(ledger: Ledger, now: int) -> list[Fact]:
            return [*decide(known_account(ledger, account), now)]

        def look(ledger: Ledger, now: int) -> KeyView:
            return key_view(ledger, account, key, now)

        receipt = await self.writer.put(Proposal(account, decided, look=look, actor=str(by or self.operator)))
        view: KeyView = receipt.seen
        return view


def key_view(ledger: Ledger, account: str, id: str, now: int) -> KeyView:
    """A key as the ledger stands at an instant, without its name. Raises UnknownAccount, UnknownApiKey."""
    known = known_account(ledger, account)
    key, scope = known_key(known, id), key_scope(id)
    _, current = current_period(ledger, known, now)
    usage = current.usage.get(scope, NOTHING_USED)
    in_force = known.in_force.get(scope, {})
    return KeyView(
        id=id,
        account=account,
        name="",
        standing=_standing(key, now),
        terms=key.terms,
        issued=key.issued,
        revoked=key.revoked,
        currency=known.currency,
        limits=known.overrides.get(scope, {}),
        used=dict(usage.posted),
        held={measure: amount for measure, amount in usage.held.items() if amount},
        left={measure: max(limit - usage.taken(measure), 0) for measure, limit in in_force.items()},
    )


def key_name(name: object) -> str:
    """A name that can be kept beside the log; empty is none. Raises InvalidInput."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput("name", f"give one line of at most {LONGEST_NAME} characters")
    return name.strip()


def _peppers_in_use(ledger: Ledger, now: int) -> set[str]:
    keys = ledger.account.keys.values() if ledger.account is not None else ()
    return {key.pepper for key in keys if key.is_live(now)}


def _standing(key: ApiKey, now: int) -> str:
    return "revoked" if key.revoked is not None else "live" if key.is_live(now) else "expired"


def _changed(terms: KeyTerms, changes: Mapping[str, Any]) -> KeyTerms:
    for name in changes:
        if name not in KeyTerms.__dataclass_fields__:
            raise InvalidInput("key", f"has no {name!r}", hint=f"it has {', '.join(KeyTerms.__dataclass_fields__)}")
    return replace(terms, **changes)


def _limited(
    known: Account,
    facts: list[AccountFact],
    key: str,
    limits: Mapping[str, int | None],
    now: int,
    reason: str,
) -> list[AccountFact]:
    """The facts, and after them those that limit the key, in the same append."""
    for measure, limit in limits.items():
        facts = [*facts, *change_limit(_after(known, facts), key_scope(key), measure, limit, now, reason)]
    return facts


def _after(known: Account | None, facts: Sequence[AccountFact]) -> Account:
    after = reduce(terms_of.evolve, facts, known)
    assert after is not None, "there was an account, or a fact opened it"
    return after
