"""Which models a request may be given without naming them: what it says itself, and what its account's terms say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from application.asking.buying import Till, till_of
from application.asking.requests import Request
from application.ledger.ledgers import Ledgers
from application.ledger.looking import LedgerReader
from domain.account import Account
from domain.agreeing import NOTHING_AGREED
from domain.errors import InvalidInput, InvalidMoney
from domain.inputs import shortened
from domain.kinds import ONLY_REAL, Class, check_class
from domain.ledger import Ledger, known_account
from domain.money import Money
from domain.plans import AT_ONE
from domain.sales import buyer_of
from domain.tariffs import Selling, tells_models_apart


@dataclass(frozen=True, slots=True)
class Consents:
    """The consents of accounts, as this process last saw them; the account's lock looks again and decides."""

    writer: Ledgers
    ledgers: LedgerReader
    selling: Selling | None = None

    async def of(self, account: str, *, fresh: bool = False) -> frozenset[Class]:
        """The classes that the account's terms allow; read from its ledger if they are not known, or if `fresh`.

        Raises UnknownAccount.
        """
        known = None if fresh else self.writer.known_terms(account)
        return _classes((known or await self._terms(account)).allowed)

    def refuses_on_limit(self, account: str) -> bool:
        """Whether terms that this process saw name no model for what would pass a limit of money; asks nobody."""
        known = self.writer.known_terms(account)
        return known is not None and not known.on_limit

    async def on_limit(self, account: str) -> str:
        """The model that does what would pass a limit of money, empty if it is refused. Raises UnknownAccount."""
        return (self.writer.known_terms(account) or await self._terms(account)).on_limit

    async def till(self, request: Request, family: str, at: int) -> Till | None:
        """The till at which a request is paid; None: the price book's prices are everybody's."""
        if self._is_plain(self.writer.known_terms(request.account)):
            return None
        return await till_of(self.ledgers, request.account, request.kind, family, at)

    async def ranking_till(self, request: Request, family: str, at: int) -> Till | None:
        """The till, if the account may find models in another order of prices than the price book's; else None."""
        selling, known = self.selling, self.writer.known_terms(request.account)
        if selling is None or (known is not None and not tells_models_apart(selling, buyer_of(known), at)):
            return None
        till = await till_of(self.ledgers, request.account, request.kind, family, at)
        return till if tells_models_apart(selling, buyer_of(till.account), at) else None

    def _is_plain(self, known: Account | None) -> bool:
        """Whether terms that this process saw have no tariff, discount or overage, and the price book's currency."""
        if known is None or known.paying.overage not in (None, AT_ONE):
            return False
        if self.selling is None:
            return True
        plain = known.agreed == NOTHING_AGREED and known.plan not in self.selling.plans
        return plain and known.currency == self.selling.currency

    async def _terms(self, account: str) -> Account:
        def look(ledger: Ledger, _now: int) -> Account:
            return known_account(ledger, account)

        return await self.ledgers.look(account, look)


def allowed_by(request: Request) -> frozenset[Class]:
    """The classes that the request itself allows. Raises InvalidInput."""
    if not request.allow:
        return ONLY_REAL
    words = (request.allow,) if isinstance(request.allow, str) else request.allow
    if not isinstance(words, Collection):
        raise InvalidInput("allow", f"must name classes of models, not {shortened(words)}", hint="such as 'stand-in'")
    try:
        return ONLY_REAL | {check_class(word) for word in words}
    except InvalidInput as error:
        raise InvalidInput("allow", error.message.removeprefix("class: ")) from error


def may_be_substituted(request: Request) -> bool:
    """Whether the account's terms may put a cheaper model in the place of the one asked. Raises InvalidInput."""
    if request.on_limit not in ("", "refuse"):
        told = f"{shortened(request.on_limit)} is not 'refuse'"
        raise InvalidInput("on_limit", told, hint="leave it out for what the account's terms say")
    return not request.on_limit


def most_of(request: Request, currency: str) -> int | None:
    """The price that the request may come to, in micro-units; None if it does not say. Raises InvalidInput."""
    match request.max_price:
        case None:
            return None
        case Money() as most:
            if most.currency != currency:
                raise InvalidInput("max_price", f"{most} is not in {currency}", hint="nothing is converted")
            return most.micros
    text = str(request.max_price) if isinstance(request.max_price, Decimal) else request.max_price
    try:
        return Money.parse(text, currency).micros
    except InvalidMoney as error:
        raise InvalidInput("max_price", error.message, hint=error.advice) from error


def _classes(words: frozenset[str]) -> frozenset[Class]:
    return frozenset(map(Class, words))
