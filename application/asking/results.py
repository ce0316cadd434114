"""Results are built from facts, so that a repeat after any crash says exactly what the first answer said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from application.asking.refusals import refusal_in_words, substituted_in_words
from application.asking.requests import OperationResult, Output, Rerouting
from application.ledger.facts import OperationFacts, state_of
from application.ledger.reader import LogFilter
from application.ports import Asset, AssetStore, Contents, Index
from domain.account import AccountOpened
from domain.charging import CostSource
from domain.ledger import Fact
from domain.money import Money
from domain.operation import (
    PHASES,
    Adjusted,
    Charged,
    Dispatched,
    Given,
    Open,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Rerouted,
    State,
    Substituted,
    Validated,
)
from domain.pricing import Quote
from domain.value import maker

LARGEST_HELD = 32 * 1024 * 1024
"""Bytes of an output that a result holds in memory; what is larger is read from its file when it is asked for."""

NONE: Mapping[str, bytes] = MappingProxyType({})


_make_output = maker(Output)
_make_operation_result = maker(OperationResult)
_make_money = maker(Money)


class Sums:
    """The sum of one operation's facts."""

    price: int = 0
    cost: int = 0
    currency: str = ""
    cost_currency: str = ""
    reason: str = ""
    quote: Quote | None = None
    rerouted: tuple[Rerouting, ...] = ()
    stored: tuple[Asset, ...] = ()
    rejected: Rejected | None = None
    unknown: bool = False
    price_source: CostSource | None = None
    cost_source: CostSource | None = None
    asked: int = 0
    lost: int = 0
    unlike: int = 0
    notes: tuple[str, ...] = ()
    losses: Mapping[str, int] = MappingProxyType({})
    usage: Mapping[str, int] = MappingProxyType({})
    given: tuple[Given, ...] = ()

    def add(self, fact: Fact) -> None:
        """In the order of most operations' lives, so that few kinds are tried for each fact."""
        match fact:
            case Requested(outputs=outputs, inputs=given):
                self.asked, self.given = outputs, given
            case Validated(quote=quote):
                self.currency, self.quote = quote.currency, quote
            case Dispatched():
                pass
            case ProviderCompleted(assets=stored):
                self.stored, self.lost, self.losses, self.unlike = stored, fact.lost, fact.losses, fact.unlike
                self.usage = fact.usage
            case Charged() | Released() | Adjusted():
                self._add_money(fact)
            case Rerouted(quote=quote):
                self.rerouted += (_rerouting(self.quote or quote, quote, fact.code),)
                self.quote = quote
            case Substituted():
                self.notes = (substituted_in_words(fact),)
            case Rejected():
                self.rejected, self.currency = fact, fact.currency

    def _add_money(self, fact: Charged | Released | Adjusted) -> None:
        self.cost, self.currency, self.cost_currency = self.cost + (fact.cost or 0), fact.currency, fact.cost_currency
        self.cost_source = fact.cost_source or self.cost_source
        match fact:
            case Charged():
                self.price, self.price_source, self.unknown = fact.price, fact.price_source, fact.cost is None
            case Released():
                self.reason, self.unknown = fact.reason, fact.cost is None
            case Adjusted():
                self.price, self.unknown = self.price + fact.price, self.unknown and not fact.revealed


@dataclass(frozen=True, slots=True)
class Results:
    """Builds the result of an operation from its facts and its files."""

    facts: OperationFacts
    assets: AssetStore
    index: Index
    contents: Contents
    largest_held: int = LARGEST_HELD

    async def of(self, operation: str, *, held: bool = True, upto: int | None = None) -> OperationResult:
        """The operation as its facts tell it now, or up to a position; unless they are to be `held`, files are left
        where they are.

        Raises UnknownOperation.
        """
        facts = await asyncio.to_thread(self.facts.of, operation, upto)
        failed = any(isinstance(fact, ProviderFailed) for fact in facts)
        words = await asyncio.to_thread(self.contents.words, operation) if failed else ""
        return await self.build(facts, words, held=held)

    async def build(
        self,
        facts: Sequence[Fact],
        message: str = "",
        contents: Mapping[str, bytes] = NONE,
        state: State | None = None,
        *,
        held: bool = True,
    ) -> OperationResult:
        """A result from the facts of one operation, complete from its request on.

        `contents` are bytes at hand, `state` is where the facts lead, for those who know it.
        """
        sums = Sums()
        for fact in facts:
            sums.add(fact)
        state = state or state_of(facts)
        account = state.operation.account
        currency = sums.currency or await asyncio.to_thread(self._currency, account)
        outputs = [await self._output(account, stored, contents if held else None) for stored in sums.stored]
        return _result(state, sums, currency, tuple(outputs), message)

    def _currency(self, account: str) -> str:
        """Of nothing at all: what was refused was never quoted in any, and its first shape does not name one."""
        wanted = LogFilter(account=account, topics=self.facts.codec.names_of(AccountOpened))
        [entry] = self.facts.reader.read(0, 1, wanted)
        opened = self.facts.codec.decode(entry.link.topic, entry.link.state)
        assert isinstance(opened, AccountOpened)
        return opened.currency

    async def _output(self, account: str, asset: Asset, contents: Mapping[str, bytes] | None) -> Output:
        """With its content, unless it is too large for that; no `contents` at all leaves every file where it is."""
        path = self.assets.path(account, asset)
        where = path or self.assets.where(account, asset)
        pieces = partial(self.assets.pieces, account, asset)
        if contents is None:
            return _make_output(asset, None, path, where, pieces)
        if asset.size > self.largest_held and (path is not None or await self.assets.exists(account, asset)):
            return _make_output(asset, None, path, where, pieces)
        content = contents.get(asset.digest)
        if content is None:
            content = (await self.assets.load(account, asset)).content
        return _make_output(asset, content, path, where, pieces)


def _result(state: State, sums: Sums, currency: str, outputs: tuple[Output, ...], message: str) -> OperationResult:
    operation, rejected, is_open = state.operation, sums.rejected, isinstance(state, Open)
    return _make_operation_result(
        operation.id,
        operation.account,
        operation.user,
        operation.project,
        PHASES[type(state)],
        operation.model,
        operation.provider,
        _make_money(sums.price, currency),
        None if sums.unknown or is_open else _make_money(sums.cost, sums.cost_currency or currency),
        outputs,
        message or (sums.reason if rejected is None else refusal_in_words(rejected)),
        rejected,
        sums.price_source,
        CostSource.UNKNOWN if is_open else sums.cost_source,
        sums.asked,
        sums.lost,
        sums.losses,
        sums.quote.model_class or None if sums.quote is not None else None,
        sums.rerouted,
        sums.unlike,
        operation.api_key,
        sums.usage,
        sums.notes,
        sums.given,
    )


def _rerouting(before: Quote, after: Quote, code: str) -> Rerouting:
    held, now = _make_money(before.price, before.currency), _make_money(after.price, after.currency)
    return Rerouting(code, before.model, before.provider, held, after.model, after.provider, now)
