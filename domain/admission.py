"""Before any money is spent: every limit is checked with what is held, and the hold is taken, in one append.

Ask ─ accept ─┬─ Requested, Rejected
              └─ Requested, Validated, (Dispatched)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.account import Account, Standing
from domain.advice import Advice
from domain.approving import check_approved
from domain.beginning import begin_windows
from domain.counting import has_outgrown, over_limit
from domain.entering import into_period
from domain.errors import InvalidInput, UnknownModel
from domain.evidence import Spent
from domain.funding import Funding, freed_of, fund
from domain.issuing import check_key
from domain.kinds import ONLY_REAL
from domain.ledger import Fact, Ledger, check_fingerprint, find, known_account
from domain.lifecycle import illegal
from domain.money import Money
from domain.operation import (
    Closed,
    Dispatched,
    Given,
    Operation,
    Rejected,
    Requested,
    Rerouted,
    Sent,
    Substituted,
    Validated,
)
from domain.periods import Period, local_day
from domain.plans import SPEND
from domain.pricing import Quote, Unpriced
from domain.refusals import Refusal, Unapproved
from domain.sales import check_tariff, errand_again, errand_now, is_worth, sold_now
from domain.settlement import fail, give_back, move_later, settle_draws
from domain.spending import less, spent_of
from domain.totals import PeriodState, scopes_of
from domain.value import maker, value
from domain.wallet import Draws, sum_of


@value
class Ask:
    """One request: a batch of operations, admitted or refused as a whole, each with its own quote.

    `allowed` are the classes of models that the request itself allows, beside those of the account's terms; `most` is
    the price that it may come to in micro-units, if it says so. `api_key` is the id of the key that asks, if one does.
    `instead` are the quotes of the model that the account's terms name for what would pass a limit of money, none if
    the request would rather be refused. `quote` is the id of the approval that it names. It is sold by the terms of
    `priced_at`, an instant of a moment ago, or else of now.
    """

    account: str
    user: str
    project: str | None
    batch: str
    operations: tuple[str, ...]
    kind: str
    family: str
    key: str | None
    fingerprint: str
    digest: str
    quotes: tuple[Quote | Unpriced, ...]
    sender: str | None
    allowed: frozenset[str] = ONLY_REAL
    most: int | None = None
    inputs: tuple[Given, ...] = ()
    api_key: str | None = None
    instead: tuple[Quote, ...] = ()
    quote: str | None = None
    priced_at: int | None = None


@value
class Leeway:
    """How far from what was held a fallback may go: to which classes of models, besides those of the account's terms,
    and up to which price of the operation in micro-units; None is what is held for it now."""

    allowed: frozenset[str] = ONLY_REAL
    most: int | None = None


_make_operation = maker(Operation)
_make_requested = maker(Requested)
_make_validated = maker(Validated)
_make_dispatched = maker(Dispatched)

AS_HELD = Leeway()

OF_MONEY = (SPEND, "balance", "allowance")
"""The measures of refusals that a cheaper model may avoid."""


def accept(ledger: Ledger, ask: Ask, now: int) -> list[Fact]:
    """Check every limit with what is held, then hold, all in one append; a refusal is recorded too.

    With a `sender` the operations are dispatched in the same breath. A repeat of a key, or of this very append,
    records nothing; a key that was refused is tried again, and answers as before if it would be refused again.
    Raises KeyReused, UnknownAccount, UnknownModel if a model's class is not allowed, InvalidInput if the price is
    more than the request allows, ApprovalNeeded, and as `check_key`.
    """
    account = known_account(ledger, ask.account)
    if ledger.look_up(ask.operations[0]) is not None:
        return []
    if ask.api_key is not None:
        check_key(account, ask.api_key, ask.user, ask.project, now)
    earlier = _earlier(ledger, ask)
    if earlier is not None and not earlier.refused:
        return []
    facts, current, account = into_period(ledger, account, now)
    answer = _answered(ledger, account, current, ask, now)
    refusal = answer.refusal
    if earlier is not None and refusal is not None:
        return []
    if refusal is None and (wanted := unapproved_of(account, ask, answer.quotes)) is not None:
        check_approved(account, wanted, ledger.evidence.approvals.get(ask.quote or ""), now)
    if account.in_windows:
        facts += begin_windows(account, current, scopes_of(ask.user, ask.project, ask.api_key), now)
    day = local_day(now, account.zone)
    inputs = ask.inputs if refusal is None else ()
    for place, (id, quote, drawn) in enumerate(zip(ask.operations, answer.quotes, answer.drawn, strict=True)):
        operation = _operation(ask, id, current.period, day, quote)
        facts.append(_make_requested(operation, now, ask.key, ask.digest, quote.outputs, inputs))
        if answer.why is not None:
            facts.append(_substituted(operation, answer.asked[place], answer.why, now))
        if refusal is not None:
            facts.append(_rejected(operation, refusal, account, now))
            continue
        facts.append(_make_validated(operation, now, quote, drawn))
        if ask.sender is not None:
            facts.append(_make_dispatched(operation, now, 1, ask.sender))
    return facts


def reroute(
    ledger: Ledger,
    id: str,
    wish: Quote | Unpriced,
    code: str,
    attempt: int,
    sender: str,
    now: int,
    leeway: Leeway = AS_HELD,
) -> list[Fact]:
    """After a definite refusal (`code`) by one model, hold for another and dispatch, within the limits of today.

    `attempt` is the number of the submission this allows: empty if another sender was faster or the operation
    is closed. If the new hold may not be taken, or goes beyond the `leeway`, the operation fails and is released
    instead.
    """
    state = find(ledger, id)
    if isinstance(state, Closed) or (isinstance(state, Sent) and attempt != state.attempts + 1):
        return []
    if not isinstance(state, Sent):
        raise illegal("reroute", state)
    account = known_account(ledger, state.operation.account)
    (sold,) = sold_now(ledger.selling, account, (wish,), errand_again(ledger, state, wish.model, now))
    funding = _funded_instead(ledger, account, state, sold, now)
    (quote,), (drawn,) = funding.quotes, funding.drawn
    too_far = not _is_within(account, leeway, state.quote, quote) or _needs_approval(account, state, quote)
    if too_far or _unfit(account, (quote,)) or _reroute_overruns(ledger, account, state, funding, now):
        return fail(ledger, id, code, 0, now)
    operation = replace(state.operation, model=quote.model, provider=quote.provider)
    rerouted = Rerouted(operation, now, quote, code, drawn)
    return [rerouted, _make_dispatched(operation, now, attempt, sender), *_freed(ledger, state, rerouted, now)]


def _funded_instead(ledger: Ledger, account: Account, state: Sent, quote: Quote, now: int) -> Funding:
    """The money for another model; of an ended period's hold it is a part."""
    current, operation = ledger.current, state.operation
    if current is not None and operation.period == current.period:
        return fund(account, freed_of(current, state.drawn), (operation.kind, operation.family), (quote,), now)
    drawn = spent_of(state.drawn, quote.price)
    return Funding((quote,), (drawn,), quote.price - sum_of(drawn))


def _freed(ledger: Ledger, state: Sent, instead: Rerouted, now: int) -> list[Fact]:
    """The rest of an ended period's holds that their exchange sets free in the open one."""
    held, quote = state.quote, instead.quote
    gone = less(state.drawn, instead.drawn)
    if ledger.current is not None and state.operation.period == ledger.current.period:
        return []
    more = (quote.outputs - held.outputs, quote.price - held.price)
    return [
        *give_back(ledger, state.operation, held.price - quote.price - sum_of(gone), now),
        *move_later(ledger, state.operation, more, (0, 0), now),
        *settle_draws(ledger, state.operation, gone, None, now),
    ]


def needs_approval(ledger: Ledger, ask: Ask, quotes: Sequence[Quote]) -> bool:
    """Whether a person would have to agree to it now."""
    wanted = unapproved_of(known_account(ledger, ask.account), ask, quotes)
    if wanted is None:
        return False
    terms = known_account(ledger, ask.account).keys[wanted.api_key].terms
    return terms.needs_approval(wanted.price if wanted.known else None)


def unapproved_of(account: Account, ask: Ask, quotes: Sequence[Quote]) -> Unapproved | None:
    """The request of a key of which a person may have to approve what it costs; None: nobody has to."""
    key = account.keys.get(ask.api_key or "")
    if key is None or key.terms.approve_above is None:
        return None
    first, known = quotes[0], None not in [quote.rate for quote in quotes]
    price, outputs = sum([quote.price for quote in quotes]), sum([quote.outputs for quote in quotes])
    return Unapproved(
        api_key=key.id,
        kind=ask.kind,
        outputs=outputs,
        model=first.model,
        price=price,
        currency=account.currency,
        known=known,
    )


@value
class Admission:
    """The end of an ask: the quotes that are held or refused, and what each takes from grants.

    If others were asked, those, and why not they.
    """

    quotes: tuple[Quote, ...]
    drawn: tuple[Draws | None, ...]
    refusal: Refusal | None
    asked: tuple[Quote, ...] = ()
    why: Refusal | None = None


_make_admission = maker(Admission)


def refusal_now(ledger: Ledger, ask: Ask, now: int) -> Refusal | None:
    """The refusal that `accept` would record at this instant; nothing is asked for. Raises what `accept` raises."""
    return answer_now(ledger, ask, now).refusal


def answer_now(ledger: Ledger, ask: Ask, now: int) -> Admission:
    """The outcome that `accept` would record at this instant; nothing is asked for. Raises what `accept` raises."""
    account = known_account(ledger, ask.account)
    _, current, account = into_period(ledger, account, now)
    return _answered(ledger, account, current, ask, now)


def _answered(ledger: Ledger, account: Account, current: PeriodState, ask: Ask, now: int) -> Admission:
    """The account's terms may name a cheaper model for what would pass a limit of money, if the request lets them."""
    check_tariff(ledger.selling, account)
    errand = errand_now(current, ask.kind, ask.family, now if ask.priced_at is None else ask.priced_at)
    work = (ask.kind, ask.family)
    funding = fund(account, current, work, sold_now(ledger.selling, account, ask.quotes, errand), now)
    _check_terms(account, ask, funding.quotes)
    refusal = _refusal(account, current, ask, funding, now)
    if refusal is None or refusal.measure not in OF_MONEY or not ask.instead:
        return _make_admission(funding.quotes, funding.drawn, refusal)
    instead = fund(account, current, work, sold_now(ledger.selling, account, ask.instead, errand), now)
    classes = {quote.model_class for quote in instead.quotes}
    price = sum(quote.price for quote in instead.quotes)
    fits = classes <= ask.allowed | account.allowed and (ask.most is None or price <= ask.most)
    if account.on_limit != instead.quotes[0].model or not fits or _refusal(account, current, ask, instead, now):
        return _make_admission(funding.quotes, funding.drawn, refusal)
    return _make_admission(instead.quotes, instead.drawn, None, funding.quotes, refusal)


def _check_terms(account: Account, ask: Ask, quotes: Sequence[Quote]) -> None:
    """The account's terms may have changed since the model was chosen, and the cap of what has no price is theirs."""
    if ask.most is not None and (price := sum(quote.price for quote in quotes)) > ask.most:
        raise too_dear(quotes[0].model, price, ask.most, quotes[0].currency)
    for quote in quotes:
        if quote.model_class not in ask.allowed and quote.model_class not in account.allowed:
            raise UnknownModel(
                f"model {quote.model!r} is of class {quote.model_class}, which account {account.id!r} does not allow",
                hint=Advice("account.allow", model_class=quote.model_class),
            )


def too_dear(model: str, price: int, most: int, currency: str) -> InvalidInput:
    """The error that a model costs more than the request allows."""
    told = f"{Money(price, currency)} would be held for {model!r}, more than {Money(most, currency)}"
    return InvalidInput("max_price", told, hint="raise it, or ask for less")


def _is_within(account: Account, leeway: Leeway, held: Quote, quote: Quote) -> bool:
    if quote.model_class not in leeway.allowed and quote.model_class not in account.allowed:
        return False
    return quote.price <= (held.price if leeway.most is None else leeway.most) and is_worth(held, quote)


def _needs_approval(account: Account, state: Sent, quote: Quote) -> bool:
    """Whether a person would have to agree to it: a key that does not decide alone falls back to nothing dearer."""
    key = account.keys.get(state.operation.api_key or "")
    return key is not None and key.terms.approve_above is not None and quote.price > state.quote.price


def _earlier(ledger: Ledger, ask: Ask) -> Spent | None:
    """The earlier use of the key. Raises KeyReused if that was another request."""
    earlier = ledger.evidence.keys.get(ask.key) if ask.key is not None else None
    if earlier is not None:
        check_fingerprint(ask.key, earlier, ask.fingerprint)
    return earlier


def _refusal(account: Account, current: PeriodState, ask: Ask, funding: Funding, now: int) -> Refusal | None:
    quotes = funding.quotes
    outputs, price = sum([quote.outputs for quote in quotes]), sum([quote.price for quote in quotes])
    wanted = ((ask.family, outputs), (SPEND, price))
    scopes = scopes_of(ask.user, ask.project, ask.api_key)
    if account.standing is not Standing.OPEN:
        return Refusal(rule=account.standing)
    if (unfit := _unfit(account, quotes)) is not None:
        return unfit
    over = over_limit(account, current, scopes, wanted, now)
    return over or funding.refusal or _over_balance(current, funding.own)


def _unfit(account: Account, quotes: tuple[Quote, ...]) -> Refusal | None:
    """Reasons to refuse that no room in any limit changes. A cap of 0 allows no unknown price."""
    for quote in quotes:
        if quote.currency != account.currency:
            return Refusal(rule="currency")
    for quote in quotes:
        if quote.rate is None and not account.unpriced_cap:
            return Refusal(rule="unpriced")
    return None


def _over_balance(current: PeriodState, price: int) -> Refusal | None:
    if current.balance is None or price <= current.balance:
        return None
    left = max(current.balance, 0)
    return Refusal(rule="balance", measure="balance", limit=current.balance, asked=price, left=left)


def _operation(ask: Ask, id: str, period: Period, day: str, quote: Quote) -> Operation:
    return _make_operation(
        id,
        ask.batch,
        ask.account,
        ask.user,
        ask.project,
        period,
        day,
        ask.kind,
        ask.family,
        quote.model,
        quote.provider,
        ask.api_key,
    )


def _substituted(operation: Operation, asked: Quote, why: Refusal, now: int) -> Substituted:
    told = (why.rule, why.scope, why.measure, why.window, why.limit, why.left)
    return Substituted(operation, now, asked.model, asked.provider, asked.price, asked.currency, *told)


def _rejected(operation: Operation, why: Refusal, account: Account, now: int) -> Rejected:
    return Rejected(
        operation,
        now,
        reason=why.rule,
        scope=why.scope,
        measure=why.measure,
        limit=why.limit,
        asked=why.asked,
        used=why.used,
        held=why.held,
        left=why.left,
        currency=account.currency,
        window=why.window,
        resets_at=why.resets_at,
        zone=account.zone,
    )


def _reroute_overruns(ledger: Ledger, account: Account, state: Sent, funding: Funding, now: int) -> bool:
    """Whether the exchange of holds would overrun a limit; an ended period's limits are gone, its hold may shrink."""
    current, operation, old, quote = ledger.current, state.operation, state.quote, funding.quotes[0]
    more = quote.price - old.price
    if current is None or operation.period != current.period:
        return more > 0
    grown = ((operation.family, quote.outputs - old.outputs), (SPEND, more))
    scopes = scopes_of(operation.user, operation.project, operation.api_key)
    if account.in_windows and has_outgrown(account, current, scopes, grown, state.admitted, now):
        return True
    own = funding.own - old.price + sum_of(state.drawn)
    return bool(over_limit(account, current, scopes, grown, now) or funding.refusal or _over_balance(current, own))
