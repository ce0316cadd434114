"""Facts in words: what each one says, the amount it is about, and an operation's whole story as a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from application.asking.refusals import OVER, refusal_in_words, substituted_in_words
from application.ledger.log import fact_name
from domain.account import (
    AccountClosed,
    AccountOpened,
    AccountResumed,
    AccountSuspended,
    TermsFact,
)
from domain.agreeing import AgreementFact
from domain.alerts import AlertFact
from domain.approvals import ApprovalAsked, ApprovalGiven
from domain.assets import AssetAdded, AssetErased, AssetExpirySet, AssetFact, AssetRestored, AssetTrashed
from domain.billing import PeriodClosed, StatementIssued, StatementVoided
from domain.booking import GoodwillGiven, UsageBooked
from domain.bounds import Meter
from domain.counts import counted
from domain.departures import AccountLeft, DepartureFact
from domain.inputs import plain
from domain.keys import KeyChanged, KeyFact, KeyIssued, KeyRevoked
from domain.ledger import (
    BalanceReturned,
    ContentErased,
    CreditAdded,
    Fact,
    PeriodEnded,
    PeriodOpened,
    PeriodResumed,
    TagsChanged,
)
from domain.money import Money
from domain.operation import (
    Adjusted,
    Charged,
    Dispatched,
    Postponed,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Stored,
    Submitted,
    Substituted,
    Validated,
)
from domain.pricing import Quote
from domain.wallet import WalletFact
from domain.webhooks import WebhookFact
from domain.windowed import LifeCounted, LifeMoved, WindowFact, WindowOpened
from infrastructure.showing.alerts import alert_in_words
from infrastructure.showing.billed import billed_in_words
from infrastructure.showing.formats import TOGETHER, document, iso, lost_text, size, span, units_of, unlike_text
from infrastructure.showing.positions import position_document
from infrastructure.showing.rows import row_document
from infrastructure.showing.sales import agreed_in_words, sale_in_words
from infrastructure.showing.terms import terms_in_words
from infrastructure.showing.wallets import back_in_words, by_grants, wallet_in_words
from infrastructure.showing.webhooks import told_of_webhook

if TYPE_CHECKING:
    from application.keeping.stories import Event, Story
    from application.ledger.log import Positioned
    from projections.queries import Views

DIGEST = 12
"""Characters of a digest that people compare."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A fact as it is told: the money it is about, if any, and the rest in words."""

    amount: Money | None
    words: str


def in_words(fact: Fact) -> Telling:
    """A fact in words."""
    match fact:
        case Requested():
            key = f", under key {fact.key}" if fact.key is not None else ""
            return Telling(None, f"{counted(fact.outputs, 'output')} asked{key}")
        case Rejected():
            return Telling(None, refusal_in_words(fact))
        case Validated(quote=quote):
            words = f"held for {reckoned(quote)}{sale_in_words(quote)}{by_grants(fact.drawn, quote.currency)}"
            return Telling(Money(quote.price, quote.currency), words)
        case Dispatched():
            return Telling(None, f"attempt {fact.attempt}, by {fact.sender}")
        case Submitted():
            return Telling(None, f"as the provider's job {fact.job}")
        case Rerouted(quote=quote):
            words = f"held instead after {fact.code}: {quote.model}, {reckoned(quote)}{sale_in_words(quote)}"
            return Telling(Money(quote.price, quote.currency), words)
        case (
            PeriodOpened()
            | CreditAdded()
            | BalanceReturned()
            | PeriodEnded()
            | PeriodResumed()
            | ContentErased()
            | TagsChanged()
        ):
            return _told_of_period(fact)
        case AssetAdded() | AssetTrashed() | AssetRestored() | AssetExpirySet() | AssetErased():
            return Telling(None, _told_of_asset(fact))
        case KeyIssued() | KeyChanged() | KeyRevoked():
            return Telling(None, _told_of_key(fact))
        case AccountSuspended() | AccountResumed() | AccountClosed():
            return Telling(None, fact.reason)
        case _ if isinstance(fact, AccountOpened | TermsFact):
            return Telling(None, f"{terms_in_words(fact)}{_because(fact.reason)}")
    return _told_of_the_rest(fact)


def _told_of_the_rest(fact: Fact) -> Telling:
    if isinstance(fact, DepartureFact):
        way = f"for shard {fact.to}" if isinstance(fact, AccountLeft) else f"from shard {fact.origin}"
        return Telling(None, f"{way}{_because(fact.reason)}")
    if isinstance(fact, AgreementFact):
        return Telling(None, f"{agreed_in_words(fact)}{_because(fact.reason)}")
    if isinstance(fact, AlertFact):
        return Telling(None, alert_in_words(fact))
    return Telling(None, told_of_webhook(fact)) if isinstance(fact, WebhookFact) else _told_of_outcome(fact)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _told_of_outcome(fact: Fact) -> Telling:
    if isinstance(fact, WalletFact):
        return Telling(*wallet_in_words(fact))
    match fact:
        case ApprovalAsked() | ApprovalGiven():
            return _told_of_approval(fact)
        case Postponed():
            return Telling(None, f"{fact.code}: nothing was begun; to be sent again from {iso(fact.until)}")
        case WindowOpened() | LifeCounted() | LifeMoved():
            return _told_of_window(fact)
        case PeriodClosed() | StatementIssued() | StatementVoided() | UsageBooked() | GoodwillGiven():
            return Telling(*billed_in_words(fact))
        case Substituted():
            return Telling(None, substituted_in_words(fact))
        case ProviderCompleted():
            return Telling(None, _delivered(fact))
        case Charged():
            cost = known("cost", fact.cost, fact.cost_currency or fact.currency, fact.cost_source)
            how = f" ({fact.price_source})" if fact.price_source is not None else ""
            words = f"for {fact.units} {fact.unit}{how}; {cost}; price book {fact.price_book}"
            return Telling(Money(fact.price, fact.currency), f"{words}{by_grants(fact.drawn, fact.currency)}")
        case ProviderFailed():
            counted = f"; {_counted(fact.usage)}" if fact.usage else ""
            return Telling(None, f"at the provider: {fact.code}{counted}")
        case Released():
            is_free = fact.cost == 0
            ours = fact.cost_currency or fact.currency
            billed = "" if is_free else f"; {known('cost', fact.cost, ours, fact.cost_source)}"
            return Telling(
                Money(fact.price, fact.currency),
                f"free again, nothing is charged: {fact.reason}{_because(fact.why)}{billed}",
            )
        case Adjusted():
            billed = f"; cost {Money(fact.cost, fact.cost_currency or fact.currency)}" if fact.cost else ""
            back = back_in_words(fact.back, fact.currency)
            return Telling(
                Money(fact.price, fact.currency),
                f"{fact.reason} (reference {fact.reference}){billed}{back}",
            )
    return Telling(None, "")


def _told_of_period(
    fact: PeriodOpened | CreditAdded | BalanceReturned | PeriodEnded | PeriodResumed | ContentErased | TagsChanged,
) -> Telling:
    match fact:
        case PeriodOpened():
            carried = Money(fact.balance, fact.currency) if fact.balance is not None else None
            return Telling(carried, f"{span(fact.period.start, fact.period.end)} begins on plan {fact.plan}")
        case CreditAdded():
            return Telling(Money(fact.amount, fact.currency), f"paid in{_because(fact.reason)}")
        case BalanceReturned():
            return Telling(Money(fact.amount, fact.currency), f"back from operation {fact.operation_id}")
        case ContentErased():
            return Telling(None, f"its prompt and files are deleted{_because(fact.reason)}")
        case TagsChanged():
            return Telling(None, f"tags: {fact.added} given, {fact.removed} taken away")
        case PeriodEnded():
            taken = Money(-fact.balance, fact.currency) if fact.balance is not None else None
            return Telling(taken, f"{span(fact.period.start, fact.period.end)} was begun by mistake: {fact.reason}")
        case PeriodResumed():
            back = Money(fact.carried, fact.currency) if fact.balance is not None else None
            return Telling(back, f"{span(fact.period.start, fact.period.end)} goes on, on plan {fact.plan}")


def _told_of_asset(fact: AssetFact) -> str:
    match fact:
        case AssetAdded():
            return f"asset {fact.asset} is brought by {fact.user}: {fact.media_type}, {counted(fact.size, 'byte')}"
        case AssetTrashed():
            words = f"asset {fact.asset} is in the trash"
        case AssetRestored():
            words = f"asset {fact.asset} is out of the trash"
        case AssetErased():
            words = f"asset {fact.asset} is deleted"
        case _:
            words = f"asset {fact.asset} {'never expires' if fact.expires is None else f'expires {iso(fact.expires)}'}"
    return f"{words}{_because(fact.reason)}"


def _told_of_key(fact: KeyFact) -> str:
    match fact:
        case KeyRevoked():
            words = f"{fact.key} opens nothing any more"
        case _:
            words = f"{fact.key} may {' and '.join(fact.terms.scopes)}"
    return f"{words}{_because(fact.reason)}"


def _told_of_approval(fact: ApprovalAsked | ApprovalGiven) -> Telling:
    if isinstance(fact, ApprovalGiven):
        how = ", by the person before the client" if fact.in_client else ""
        return Telling(None, f"{fact.quote} is approved{how}{_because(fact.reason)}")
    words = f"{fact.api_key} needs approval of {fact.kind} on {fact.model}, until {iso(fact.expires)}"
    return Telling(Money(fact.price, fact.currency), f"{words}: {fact.quote}")


def _told_of_window(fact: WindowFact) -> Telling:
    match fact:
        case WindowOpened():
            begun = f"{span(fact.span.start, fact.span.end)} begins to count, as {OVER[fact.window]}"
            return Telling(None, f"{begun}, with what was asked in it before" if fact.taken else begun)
        case LifeCounted():
            return Telling(None, f"counted for life: {_and([*fact.taken])}")
    return Telling(
        Money(fact.price, fact.currency), f"of operation {fact.operation_id}, for life of {_and(fact.scopes)}"
    )


def reckoned(quote: Quote) -> str:
    """How the hold came about: counted by the price book, quoted by the provider, or the most that may be metered."""
    if quote.rate is None:
        return "a price unknown, capped"
    words = f"{quote.units} {quote.unit} at {plain(quote.rate)} {quote.cost_currency}"
    if quote.meters:
        words += f" at most, settled on {_and([_metered(meter) for meter in quote.meters])}"
    if quote.listed is not None:
        cost, listed = Money(quote.cost, quote.cost_currency), Money(quote.listed, quote.cost_currency)
        words += f"; the provider quotes {cost}, the price book says {listed}"
    return words


def _metered(meter: Meter) -> str:
    return f"{meter.name} at {plain(meter.rate)}"


def _and(words: Sequence[str]) -> str:
    *firsts, last = words
    return f"{', '.join(firsts)} and {last}" if firsts else last


def _delivered(fact: ProviderCompleted) -> str:
    """The outputs that came, those that did not, and what the provider counted and billed."""
    words = [("late, after its release: " if fact.late else "") + _files(fact.assets)]
    if fact.lost:
        words.append(lost_text(fact.lost, fact.losses))
    if fact.unlike:
        words.append(unlike_text(fact.unlike))
    if fact.usage:
        words.append(_counted(fact.usage))
    if fact.cost:
        words.append(f"{units_of(fact.cost)} billed by the provider")
    return "; ".join(words)


def _counted(usage: Mapping[str, int]) -> str:
    return f"counted {_and([f'{count:,} {name}' for name, count in usage.items()])}"


def known(what: str, micros: int | None, currency: str, source: str | None) -> str:
    """An amount and how it is known, such as "cost 0.02 USD (counted)"; one that is not known is never a number."""
    if micros is None:
        return f"{what} unknown"
    return f"{what} {Money(micros, currency)}" + (f" ({source})" if source is not None else "")


def _files(files: Sequence[Stored]) -> str:
    """One file with its sides and digest, several with their types and size."""
    if not files:
        return "no file"
    if len(files) != 1:
        types = ", ".join(sorted({one.media_type for one in files}))
        return f"{counted(len(files), 'file')}, {types}, {size(sum(one.size for one in files))}"
    one = files[0]
    sides = f" {one.width}×{one.height}" if one.width and one.height else ""
    return f"{one.media_type}{sides}, {size(one.size)}, {one.digest[:DIGEST]}…".replace(" kB", f"{TOGETHER}kB")


def event_document(event: Event) -> dict[str, Any]:
    """A stored fact, with the money that it is about."""
    return {
        **position_document(event.position),
        "type": fact_name(event.topic),
        "at": iso(event.fact.at, precision="microseconds"),
        "actor": event.actor,
        "amount": document(in_words(event.fact).amount),
        "data": event.data,
    }


def stored_document(entry: Positioned, event: Event) -> dict[str, Any]:
    """A row of the log as it is stored: amounts in micro-units, instants in microseconds since 1970 UTC.

    `topic` is the stored name, with the version of the fact's shape, which the hash covers; `type` is without it.
    """
    link = entry.link
    told = event_document(event)
    return {
        **position_document(entry.position),
        "stream": str(link.originator_id),
        "version": link.originator_version,
        "type": told["type"],
        "topic": link.topic,
        "operation": link.operation,
        "actor": link.actor,
        "hash": link.hash.hex(),
        "data": event.data,
        "at": told["at"],
        "amount": told["amount"],
    }


def row_of(views: Views, operation: str) -> dict[str, Any]:
    """The operation's row in the operation log, as JSON; empty if the log of operations does not know it. Blocking."""
    from projections.views.operations import OPERATIONS

    row = views.one(OPERATIONS, operation)
    return {} if row is None else row_document(OPERATIONS, row, OPERATIONS.stored)


def story_document(story: Story, row: Mapping[str, Any]) -> dict[str, Any]:
    """An operation's row in the operation log, and all its facts."""
    return {**row, "id": story.operation, "events": [event_document(event) for event in story.events]}


def summary(row: Mapping[str, Any]) -> list[str]:
    """An operation, and how it stands, by its row in the operation log."""
    project = f", for project {row['project']}" if row["project"] else ""
    if row["settled_at"] is None and row["held"] is not None:
        sums = [f"{row['held']['amount']} {row['held']['currency']} held", _sum(row, "cost")]
    else:
        sums = [_sum(row, name) for name in ("price", "cost")]
    return [
        f"{row['kind']} on {row['model']} ({row['provider']}), by {row['user']} of {row['account']}{project}",
        f"{row['state']}: {', '.join(sums)}" if row["currency"] else row["state"],
    ]


def _sum(row: Mapping[str, Any], name: str) -> str:
    amount, source = row[name], row[f"{name}_source"]
    if amount is None:
        return f"{name} unknown"
    return f"{amount['amount']} {amount['currency']} {name}" + (f" ({source})" if source is not None else "")


def short(topic: str) -> str:
    """A stored name without its room: "charged", "completed"."""
    return fact_name(topic).rpartition(".")[2].removeprefix("provider_").replace("_", " ")
