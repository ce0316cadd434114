"""Credit is granted and revoked, and a payment is taken back: each once a reference, whatever has become of it since.

give_grant ─── GrantGiven ─ … ─ GrantEnded          promotional or paid for, with an expiry, for some kinds or all
revoke_grant ─ GrantRevoked                         what is left of a promotional one, and never what is held
charge_back ── ChargedBack ─ (AccountSuspended)     below nothing, nothing is admitted
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.account import Account, AccountSuspended, Standing, check_not_closed
from domain.entering import into_period
from domain.errors import InvalidInput, KeyReused
from domain.evidence import Spent
from domain.ids import check_id, check_reason
from domain.kinds import KINDS, Family
from domain.ledger import CREDIT, CreditAdded, Fact, Ledger, known_account
from domain.meant import meant
from domain.money import LARGEST_AMOUNT, Money
from domain.planning import TRIAL
from domain.value import value
from domain.wallet import USED_UP, ChargedBack, Grant, GrantEnded, GrantGiven, GrantRevoked, Source, Wallet

GRANT: Final = "grant:"
CHARGEBACK: Final = "chargeback:"
"""Keep these references apart from those of payments and requests."""
MOST_GRANTS: Final = 100
"""Of an account at a time; each new period says all of them anew."""
LEAST_URGENT: Final = 1_000
GIVEN: Final = (Source.PROMOTIONAL, Source.PAID)


@value
class Granted:
    """A grant as it is wanted: micro-units, until when, for which kinds of operation or families; none are all."""

    amount: int
    source: str = Source.PROMOTIONAL
    priority: int = 0
    expires: int | None = None
    kinds: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A repeat under the same reference is compared by it."""
        return f"{self.amount} {self.source} {self.priority} {self.expires} {','.join(self.kinds)}"


def give_grant(ledger: Ledger, account: str, reference: str, wanted: Granted, now: int, reason: str = "") -> list[Fact]:
    """Grant credit once a reference. Raises InvalidInput, KeyReused if the reference was used for another."""
    known = known_account(ledger, account)
    check_reason(reason)
    earlier = ledger.evidence.keys.get(GRANT + reference)
    if earlier is not None:
        _check_same(earlier, wanted.fingerprint, f"grant {reference!r} was given on other terms")
        return []
    _check_granted(reference, wanted, known.currency, now)
    check_not_closed(known)
    facts, current, _ = into_period(ledger, known, now)
    whose = (account, now, current.period)
    given = GrantGiven(
        *whose,
        reference,
        str(wanted.source),
        wanted.amount,
        known.currency,
        priority=wanted.priority,
        expires=wanted.expires,
        kinds=wanted.kinds,
        reason=reason,
    )
    gone = [
        GrantEnded(*whose, one.id, one.source, 0, known.currency, over=True, reason=USED_UP)
        for one in _room(current.wallet)
    ]
    return [*facts, *gone, given]


def _room(wallet: Wallet | None) -> Sequence[Grant]:
    """The grants that make room for one more: used up, the oldest first. Raises InvalidInput if there are none."""
    grants = [] if wallet is None else list(wallet.grants.values())
    if len(grants) < MOST_GRANTS:
        return []
    used = sorted((one for one in grants if not one.left and not one.held), key=lambda one: one.given)
    if not used:
        raise InvalidInput("reference", f"the account has {len(grants)} grants, the most that it can have at a time")
    return used[:1]


def revoke_grant(ledger: Ledger, account: str, reference: str, now: int, reason: str) -> list[Fact]:
    """Take back what is left of a promotional grant. Empty if it is over, or was revoked.

    Open operations can still spend what they hold of it; the rest of that lapses. `ledger.evidence` has the grant's
    key. Raises InvalidInput for no reason, and for what was not given for nothing.
    """
    known = known_account(ledger, account)
    check_reason(reason, needed=True)
    given = ledger.evidence.keys.get(GRANT + reference)
    if given is None:
        raise InvalidInput("grant", f"account {account!r} has no grant {reference!r}", hint="name its reference")
    if given.fingerprint.split()[1] != Source.PROMOTIONAL:
        told = f"grant {reference!r} was paid for"
        raise InvalidInput("grant", told, hint="take its payment back: a chargeback of the grant")
    facts, current, _ = into_period(ledger, known, now)
    one = None if current.wallet is None else current.wallet.grants.get(reference)
    if one is None or one.is_over(now):
        return []
    whose, what = (account, now, current.period), (one.id, one.source, one.left)
    return [*facts, GrantRevoked(*whose, *what, known.currency, reason)]


def charge_back(
    ledger: Ledger, account: str, payment: str, amount: int, now: int, reason: str, *, suspend: bool = False
) -> list[Fact]:
    """Take a payment back, or a part of it, once; the balance may become negative. Empty if it was done.

    `ledger.evidence` has the payment's key and that of its chargeback. Raises InvalidInput for a payment that was not
    made, no reason, or more than was paid; KeyReused if another amount was taken back.
    """
    known = known_account(ledger, account)
    check_reason(reason, needed=True)
    if _is_taken_back(ledger, payment, amount, f"payment {payment!r}"):
        return []
    paid = ledger.evidence.keys.get(CREDIT + payment)
    if paid is None:
        raise InvalidInput("payment", f"account {account!r} has no payment {payment!r}", hint="name its key")
    _check_taken(amount, int(paid.fingerprint), known.currency)
    facts, current, _ = into_period(ledger, known, now)
    back = ChargedBack(account, now, current.period, amount, known.currency, payment, reason)
    return [*facts, back, *_suspended(known, now, reason, wanted=suspend)]


def charge_back_grant(
    ledger: Ledger, account: str, grant: str, amount: int, now: int, reason: str, *, suspend: bool = False
) -> list[Fact]:
    """Take the payment for a grant back, or a part of it, once: what is left of it first, and the rest is owed.

    `ledger.evidence` has the grant's key and that of its chargeback. Raises as `charge_back`.
    """
    known = known_account(ledger, account)
    check_reason(reason, needed=True)
    if _is_taken_back(ledger, GRANT + grant, amount, f"grant {grant!r}"):
        return []
    given = ledger.evidence.keys.get(GRANT + grant)
    if given is None:
        raise InvalidInput("payment", f"account {account!r} has no grant {grant!r}", hint="name its reference")
    whole, source, *_ = given.fingerprint.split()
    if source != Source.PAID:
        raise InvalidInput(
            "payment", f"grant {grant!r} was not paid for", hint="nothing was paid that can be taken back"
        )
    _check_taken(amount, int(whole), known.currency)
    facts, current, _ = into_period(ledger, known, now)
    one = None if current.wallet is None else current.wallet.grants.get(grant)
    taken = 0 if one is None or one.is_over(now) else min(one.left, amount)
    told = (amount, known.currency, grant, reason, grant, taken)
    return [*facts, ChargedBack(account, now, current.period, *told), *_suspended(known, now, reason, wanted=suspend)]


def _is_taken_back(ledger: Ledger, payment: str, amount: int, named: str) -> bool:
    """Raises KeyReused if it was, with another amount."""
    earlier = ledger.evidence.keys.get(CHARGEBACK + payment)
    if earlier is not None:
        _check_same(earlier, str(amount), f"another amount of {named} was taken back")
    return earlier is not None


def _check_taken(amount: int, whole: int, currency: str) -> None:
    if not 0 < amount <= whole:
        told = f"{Money(amount, currency)} of a payment of {Money(whole, currency)}"
        raise InvalidInput("amount", told, hint="take back at most what was paid, and more than nothing")


def _suspended(known: Account, now: int, reason: str, *, wanted: bool) -> list[Fact]:
    return [AccountSuspended(known.id, now, reason)] if wanted and known.standing is Standing.OPEN else []


def spent_key(fact: Fact) -> tuple[str, str] | None:
    """The reference that a fact spends for ever, and what it was for; None if it spends none."""
    if isinstance(fact, CreditAdded):
        return fact.key, str(fact.amount)
    if isinstance(fact, ChargedBack):
        return CHARGEBACK + (fact.key if fact.grant is None else GRANT + fact.grant), str(fact.amount)
    if isinstance(fact, GrantGiven) and fact.source in GIVEN and fact.grant != TRIAL:
        granted = Granted(fact.amount, fact.source, fact.priority, fact.expires, fact.kinds)
        return GRANT + fact.grant, granted.fingerprint
    return None


def _check_granted(reference: str, wanted: Granted, currency: str, now: int) -> None:
    check_id("reference", reference)
    if reference == TRIAL or reference.startswith(f"{Source.ALLOWANCE}:"):
        raise InvalidInput("reference", f"{reference!r} is kept for plans", hint="choose another")
    if not 0 < wanted.amount <= LARGEST_AMOUNT:
        raise InvalidInput("amount", f"{Money(wanted.amount, currency)} is no grant", hint="grant more than 0")
    if wanted.source not in GIVEN:
        raise InvalidInput("source", f"{wanted.source!r} is not one of {', '.join(GIVEN)}")
    if not 0 <= wanted.priority <= LEAST_URGENT:
        told = f"{wanted.priority} is not from 0, spent first, to {LEAST_URGENT}"
        raise InvalidInput("priority", told)
    if wanted.expires is not None and wanted.expires <= now:
        raise InvalidInput("expires", "is over", hint="give a day to come")
    known = {*KINDS, *Family}
    for kind in wanted.kinds:
        if kind not in known:
            told = f"there is no kind of operation {kind!r}, and no family of that name"
            raise InvalidInput("kinds", told, hint=meant(kind, known, f"there are: {', '.join(sorted(known))}"))


def _check_same(earlier: Spent, fingerprint: str, told: str) -> None:
    if earlier.fingerprint not in ("", fingerprint):
        raise KeyReused(told, hint="repeat the same under a reference, and take a new one for another")
