"""Decisions about approvals: each is one fact, and none if it is so already.

check_approved ── too much for the key ──> ask_approval ── a person, or another key ──> give_approval
"""

from __future__ import annotations

from dataclasses import replace

from domain.account import Account
from domain.advice import Advice
from domain.approvals import Approval, ApprovalAsked, ApprovalGiven, ApprovalNeeded, UnknownQuote
from domain.entering import current_period
from domain.errors import Forbidden, InvalidInput, KeyReused
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, known_account
from domain.money import Money
from domain.refusals import Unapproved

VALID = 24 * 60 * 60 * 1_000_000
"""Microseconds in which a person may approve what was asked, and the key use that."""


def check_approved(account: Account, wanted: Unapproved, approval: Approval | None, now: int) -> None:
    """Go on if the key may spend that by itself, or with the approval. Raises ApprovalNeeded, InvalidInput."""
    terms = account.keys[wanted.api_key].terms
    if not terms.needs_approval(wanted.price if wanted.known else None):
        return
    if approval is not None and approval.covers(wanted.api_key, wanted.price, now):
        return
    if approval is not None and approval.is_over(now):
        raise InvalidInput("quote", "does not hold any more", hint="leave it out, and have it approved anew")
    raise needed(replace(wanted, above=terms.approve_above or 0), approval)


def needed(wanted: Unapproved, approval: Approval | None) -> ApprovalNeeded:
    """The error that a person has to agree to it, with the quote if it was asked for."""
    if approval is not None:
        wanted = replace(wanted, quote=approval.asked.quote, expires=approval.asked.expires)
    price, above = Money(wanted.price, wanted.currency), Money(wanted.above, wanted.currency)
    comes = f"this costs {price}" if wanted.known else f"this has no known price, and holds {price}"
    told = f"key {wanted.api_key} needs approval above {above}, and {comes}"
    return ApprovalNeeded(told, waiting=wanted, hint=Advice("quote.approve", quote=wanted.quote))


def ask_approval(ledger: Ledger, account: str, wanted: Unapproved, quote: str, asked: str, now: int) -> list[Fact]:
    """Note that it waits for a person, unless the same does or was approved. Raises KeyReused for another request.

    `asked` is the digest of the request, `quote` the id that it gets.
    """
    known = ledger.evidence.approvals.get(quote)
    if known is not None and known.asked.asked != asked:
        told = "the idempotency key was used for another request, which waits for approval"
        raise KeyReused(told, hint="repeat the same request under a key, and take a new key for a new one")
    if known is not None and not known.is_over(now) and _is_as_wanted(known, wanted):
        return []
    facts, current = current_period(ledger, known_account(ledger, account), now)
    more = (wanted.api_key, asked, wanted.kind, wanted.outputs, wanted.model, wanted.price, wanted.currency)
    return [*facts, ApprovalAsked(account, now, current.period, quote, *more, now + VALID)]


def _is_as_wanted(known: Approval, wanted: Unapproved) -> bool:
    """Whether it is for that model, and at that price if nobody has approved another yet."""
    same = known.given is not None or known.asked.price == wanted.price
    return same and known.asked.model == wanted.model


def give_approval(
    ledger: Ledger,
    account: str,
    quote: str,
    approver: str | None,
    now: int,
    *,
    in_client: bool = False,
    reason: str = "",
) -> list[Fact]:
    """Approve it, once. `approver` is the API key that does, None a person who runs the studio or an application.

    A key never approves what it asked for itself; but the person before its client may, if its terms say so
    (`in_client`). Raises UnknownQuote, Forbidden, InvalidInput if it is over.
    """
    check_reason(reason)
    known = known_account(ledger, account)
    approval = ledger.evidence.approvals.get(quote)
    if approval is None:
        raise UnknownQuote.of(quote)
    _check_may_approve(known, approval, approver, in_client=in_client)
    if approval.given is not None:
        return []
    if approval.is_over(now):
        raise InvalidInput("quote", "does not hold any more", hint="have it asked for again")
    facts, current = current_period(ledger, known, now)
    return [*facts, ApprovalGiven(account, now, current.period, quote, in_client, reason)]


def _check_may_approve(account: Account, approval: Approval, approver: str | None, *, in_client: bool) -> None:
    if approver != approval.asked.api_key:
        return
    if not in_client:
        told = f"key {approver} asked for it, and does not approve that itself"
        raise Forbidden(told, hint="have another key or a person approve it")
    if not account.keys[approver].terms.approve_in_client:
        told = f"key {approver} does not let the person before its client approve"
        raise Forbidden(told, hint=Advice("key.in_client"))
