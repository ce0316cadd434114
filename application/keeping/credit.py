"""Credit that is granted and revoked: what is put to the writer, and what of the wallet is seen then."""

from __future__ import annotations

from functools import partial

from application.keeping.accountviews import wallet_of
from application.keeping.corrections import check_currency_of
from application.ledger.group import Proposal
from application.ledger.transaction import KeyRow
from domain.granting import GRANT, Granted, give_grant, revoke_grant
from domain.ids import check_id
from domain.ledger import Fact, Ledger, known_account
from domain.money import Money, check_money


def granting(account: str, amount: Money, reference: str, wanted: Granted, reason: str, actor: str) -> Proposal:
    """A grant, once a reference. Raises InvalidInput, InvalidMoney for what can be no grant."""
    check_id("reference", reference)
    check_money(amount)

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        check_currency_of(known_account(ledger, account), amount)
        return give_grant(ledger, account, reference, wanted, now, reason)

    key = KeyRow(account, GRANT + reference, GRANT + reference, wanted.fingerprint)
    look = partial(wallet_of, account=account)
    return Proposal(account, decide, key=key, look=lambda ledger, now: look(ledger, now=now), actor=actor)


def revoking(account: str, reference: str, reason: str, actor: str) -> Proposal:
    """The rest of a promotional grant taken back; it needs to know under which terms that was given."""
    check_id("grant", reference)

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return revoke_grant(ledger, account, reference, now, reason)

    look = partial(wallet_of, account=account)
    return Proposal(
        account,
        decide,
        other_key=GRANT + reference,
        look=lambda ledger, now: look(ledger, now=now),
        actor=actor,
    )
