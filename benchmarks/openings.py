"""Accounts as every measurement opens them: a plan, and limits that are checked and never reached."""

from __future__ import annotations

from application.ledger.group import Proposal
from domain.ledger import Decide, Fact, Ledger, known_account
from domain.limiting import change_limit
from domain.openings import Terms, open_account
from domain.plans import plan

PLAN = "enterprise"
PLENTY = 10**15
LIMITED = ("spend", "images")


def opening(account: str) -> list[Proposal]:
    """The decisions that open it; repeating them changes nothing."""
    limits = [limiting(account, measure, PLENTY) for measure in LIMITED]
    return [Proposal(account, _open(account), opening=True), *limits]


def limiting(account: str, measure: str, limit: int) -> Proposal:
    """The account's limit of one measure."""
    return Proposal(
        account,
        lambda ledger, at: [*change_limit(known_account(ledger, account), "account", measure, limit, at)],
    )


def _open(account: str) -> Decide:
    terms = Terms(PLAN, plan(PLAN).limits)

    def decide(ledger: Ledger, at: int) -> list[Fact]:
        return [*open_account(ledger.account, account, terms, at)]

    return decide
