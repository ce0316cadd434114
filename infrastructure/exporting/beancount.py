"""Beancount: one transaction a fact, whose metadata says which; amounts have six decimals, so nothing is tolerated.

An account is opened where it is met first, on a day before all others. A file that goes on after a position opens
only what is new, so that both can be included in one. For that no file says with which precision amounts are shown:
beancount 3.2.3 breaks off where two do. They have six decimals anyway, by which it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from application.keeping.books import Booked
from domain.chart import payable_of
from domain.counts import counted
from domain.postings import Posting
from infrastructure.exporting.naming import account_name
from infrastructure.exporting.tally import ExportTally, six, transactions

OPENED = "1900-01-01"
_LINKABLE = re.compile(r"[A-Za-z0-9_/.-]+")


def beancount(booked: Iterable[Booked], told: ExportTally) -> Iterator[str]:
    """The text of a file, a piece a fact; `booked` begins with the log's first."""
    yield f'option "title" "Image Studio, after position {told.after} up to {told.upto}"\n'
    yield from transactions(booked, told, _declared, _transaction)
    if told.assertions:
        yield "\n"
        yield from _assertions(told)
    yield f"\n; {counted(told.facts, 'fact')}; more follow after position {told.upto}\n"


def _declared(one: Booked) -> list[str]:
    """The lines that say what a fact's transaction uses."""
    found: dict[str, None] = {}
    for posting in one.postings:
        for end in (posting.source, posting.destination):
            found[f"{OPENED} open {account_name(end, one.account)}\n"] = None
    if one.cost_change > 0 and one.provider is not None:
        found[f"{OPENED} open {account_name(payable_of(one.provider), one.account)}\n"] = None
    return [*found]


def _transaction(one: Booked) -> str:
    lines: list[str] = []
    if one.postings:
        link = one.operation if one.operation is not None and _LINKABLE.fullmatch(one.operation) else ""
        lines += [
            f"\n{one.day} * {_quoted(one.account)} {_quoted(one.name)}{f' ^{link}' if link else ''}",
            f"  position: {one.position}",
            f"  stream: {_quoted(one.stream)}",
            f"  version: {one.version}",
        ]
        lines += [f"  operation: {_quoted(one.operation)}"] if one.operation is not None else []
        lines += [line for posting in one.postings for line in _legs(posting, one.account)]
    if one.cost_change > 0 and one.provider is not None:
        payable = account_name(payable_of(one.provider), one.account)
        lines += [f"\n{one.day} note {payable} {_quoted(f'nobody knows what {one.operation} cost')}"]
    return "\n".join([*lines, ""])


def _legs(posting: Posting, account: str) -> tuple[str, str]:
    """Both ends of a posting, each a line."""
    source, destination = (account_name(end, account) for end in (posting.source, posting.destination))
    amount, currency = posting.amount, posting.currency
    return f"  {source}  {six(amount)} {currency}", f"  {destination}  {six(-amount)} {currency}"


def _assertions(told: ExportTally) -> Iterator[str]:
    """Balances as of the day after the last one, without any tolerance."""
    if not told.last_day:
        return
    day = date.fromisoformat(told.last_day) + timedelta(days=1)
    sums: dict[tuple[str, str], int] = {}
    for (customer, one, currency), balance in told.balances.items():
        key = account_name(one, customer), currency
        sums[key] = sums.get(key, 0) + balance
    for (name, currency), balance in sorted(sums.items()):
        yield f"{day.isoformat()} balance {name}  {six(balance)} ~ 0 {currency}\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
