"""hledger: one transaction a fact, whose tags say which; every commodity is declared with six decimals.

The declaration is not of looks alone: hledger 1.25 balances transactions at the decimals that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from application.keeping.books import Booked
from domain.chart import payable_of
from domain.counts import counted
from infrastructure.exporting.naming import account_name
from infrastructure.exporting.tally import ExportTally, six, transactions

PLAIN = "@+=~!$&'*()[]{}<>/?^"
"""Signs that mean nothing in a description or a tag once it has begun, and stay as they are."""


def hledger(booked: Iterable[Booked], told: ExportTally) -> Iterator[str]:
    """The text of a journal, a piece a fact; `booked` begins with the log's first."""
    yield f"; Image Studio, after position {told.after} up to {told.upto}\ndecimal-mark .\n"
    yield from transactions(booked, told, _declared, _transaction)
    yield f"\n; {counted(told.facts, 'fact')}; more follow after position {told.upto}\n"


def _declared(one: Booked) -> list[str]:
    """The lines that say what a fact's transaction uses."""
    found: dict[str, None] = {}
    for posting in one.postings:
        found[f"commodity 1000.000000 {posting.currency}\n"] = None
        for end in (posting.source, posting.destination):
            found[f"account {account_name(end, one.account)}\n"] = None
    return [*found]


def _transaction(one: Booked) -> str:
    tags = f"position:{one.position}, fact:{one.name}, version:{one.version}"
    if one.operation is not None:
        tags += f", operation:{_plain(one.operation)}"
    if not one.postings:
        return _unknown(one) + "\n" if one.cost_change > 0 else ""
    lines = [f"\n{one.day} * ({one.position}) {_plain(one.account)}  ; {tags}"]
    for posting in one.postings:
        source, destination = (account_name(end, one.account) for end in (posting.source, posting.destination))
        lines += [
            f"    {source}  {six(posting.amount)} {posting.currency}",
            f"    {destination}  {six(-posting.amount)} {posting.currency}",
        ]
    lines += [_unknown(one)] if one.cost_change > 0 else []
    return "\n".join([*lines, ""])


def _unknown(one: Booked) -> str:
    assert one.provider is not None, "a payment costs nothing"
    return (
        f"; nobody knows what {_plain(str(one.operation))} cost: {account_name(payable_of(one.provider), one.account)}"
    )


def _plain(text: str) -> str:
    """Without signs that end a description or a tag."""
    return quote(text, safe=PLAIN)
