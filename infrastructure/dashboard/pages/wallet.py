"""An account's money to spend: its balance, every grant in the order in which it is spent, and what its plan costs."""

from __future__ import annotations

from typing import Final

from domain.kinds import KINDS
from domain.wallet import Source
from infrastructure.clock import new_id
from infrastructure.dashboard.page import Document, FormSent, TableColumn, Visit, WebPage, studios_action
from infrastructure.showing.documents import account_document
from infrastructure.showing.formats import instant_of
from infrastructure.showing.wallets import wallet_document

GIVEN: Final = tuple(str(one) for one in Source if one is not Source.ALLOWANCE)
"""The sources of grants that a person gives."""
GRANTS: Final = (
    TableColumn(name="grant"),
    TableColumn(name="source"),
    TableColumn(name="kinds", kind="kinds", wide=True, label="only_for"),
    TableColumn(name="until", kind="until", label="expires"),
    TableColumn(name="revoked", kind="yes", wide=True),
    TableColumn(name="amount", kind="money"),
    TableColumn(name="held", kind="money", wide=True),
    TableColumn(name="left", kind="money"),
)


async def _wallet(visit: Visit) -> Document:
    """The documents of `/v1/accounts/{id}/wallet` and `/v1/accounts/{id}`."""
    accounts = visit.studio.accounts
    found: Document = wallet_document(await accounts.wallet(visit.account))
    return {**found, "terms": account_document(await accounts.show(visit.account))}


async def _credit(sent: FormSent) -> str:
    """Money that was paid in, once a reference."""
    visit = sent.visit
    amount = sent.needed_amount("amount", visit.gate.currency)
    key = sent.text("key") or new_id()
    by, reason = visit.caller.holder.actor, sent.text("reason")
    await visit.studio.accounts.add_credit(visit.account, amount, key, by=by, reason=reason)
    return visit.link("wallet")


async def _grant(sent: FormSent) -> str:
    """Credit that is given, once a reference."""
    visit, until, kind = sent.visit, sent.text("until"), sent.text("kind")
    terms = await visit.studio.accounts.show(visit.account)
    await visit.studio.accounts.grant(
        visit.account,
        sent.needed_amount("amount", terms.currency),
        sent.text("reference") or new_id(),
        source=sent.text("source") or str(Source.PROMOTIONAL),
        expires=instant_of(until, terms.zone, "until") if until else None,
        kinds=(kind,) if kind else (),
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return visit.link("wallet")


async def _revoke(sent: FormSent) -> str:
    """The rest of a promotional grant, taken back."""
    visit = sent.visit
    by = visit.caller.holder.actor
    await visit.studio.accounts.revoke_grant(visit.account, sent.needed("grant"), sent.needed("reason"), by=by)
    return visit.link("wallet")


async def _chargeback(sent: FormSent) -> str:
    """A payment that was taken back."""
    visit = sent.visit
    terms = await visit.studio.accounts.show(visit.account)
    await visit.studio.accounts.charge_back(
        visit.account,
        sent.needed("payment"),
        sent.needed_amount("amount", terms.currency),
        sent.needed("reason"),
        suspend=sent.text("suspend") == "yes",
        by=visit.caller.holder.actor,
    )
    return visit.link("wallet")


PAGES = (
    WebPage(
        name="wallet",
        path="/wallet",
        document=_wallet,
        template="wallet.html",
        group="money",
        rows="grants",
        columns=GRANTS,
        choices={"source": GIVEN, "kind": tuple(KINDS)},
    ),
)


ACTIONS = (
    studios_action("add_credit", "/wallet/credit", _credit),
    studios_action("grant_credit", "/wallet/grants", _grant),
    studios_action("revoke_grant", "/wallet/revocations", _revoke),
    studios_action("charge_back", "/wallet/chargebacks", _chargeback),
)
