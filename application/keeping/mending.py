"""The tables beside the log, made anew from it: each row that differs is looked at again under its account's lock.

    log verified ── accounts' rows ── differences, a page at a time ── again under the account's lock ── mended
                                                                        one small transaction an account and page

Work goes on meanwhile: a decision about an account takes the same lock, and reads what was mended after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from application.keeping.chains import ChainReader, account_row, accounts_otherwise
from application.keeping.differences import requests, told_otherwise, unheard_of
from application.keeping.erasedrows import erased_otherwise, erased_rows
from application.keeping.snapshots import periods_otherwise
from application.keeping.tables import MADE, Desk, Discrepancy, Ground, Row, columns_of, places_of
from application.ledger.transaction import AccountRow
from domain.advice import Advice
from domain.errors import InvalidInput

Found = Callable[[Desk], Iterable[Discrepancy]]
"""Differences of one page, read at one desk."""


@dataclass(frozen=True, slots=True)
class Mending:
    """The extent of a mending: these tables, of all accounts or one; nothing is written if it is only `told`."""

    ground: Ground
    reader: ChainReader
    tables: Collection[str]
    account: str | None = None
    told: bool = False

    def run(self) -> Iterator[Discrepancy]:
        """Every row that was not as the log says, mended when it is yielded.

        Raises LogCorrupted if the log is damaged, as nothing is made from such a log; StoreUnavailable.
        """
        yield from self._accounts()
        ground, account = self.ground, self.account
        for asked in requests(ground, account):
            yield from self._page(partial(told_otherwise, ground, asked=asked))
        for table in MADE:
            if table in self.tables and table not in ("accounts", "snapshots", "erased_users"):
                yield from self._strangers(table)
        if "erased_users" in self.tables:
            yield from self._page(partial(erased_otherwise, asked=erased_rows(ground, account)))
        if "snapshots" in self.tables:
            yield from self._snapshots()

    def _accounts(self) -> Iterator[Discrepancy]:
        for id in accounts_otherwise(self.reader, self.account):
            if "accounts" not in self.tables:
                continue
            if self.told:
                with self.ground.desks.moment() as desk:
                    found = _account_otherwise(desk, account_row(self.reader, id))
            else:
                with self.ground.desks.locked(id, new=True) as desk:
                    found = _account_otherwise(desk, account_row(self.reader, id))
                    _mend(desk, found)
            yield from found

    def _strangers(self, table: str) -> Iterator[Discrepancy]:
        account = self.account
        if account is not None and "account" not in columns_of(table):
            return
        for places in places_of(self.ground.desks, table, account):
            yield from self._page(partial(unheard_of, self.ground, table=table, places=places))

    def _snapshots(self) -> Iterator[Discrepancy]:
        """A snapshot at a version never changes, so that it needs no second look."""
        for one in periods_otherwise(self.ground, self.account):
            if not self.told:
                with self.ground.desks.locked(one.account) as desk:
                    _mend(desk, [one])
            yield one

    def _page(self, find: Found) -> Iterator[Discrepancy]:
        with self.ground.desks.moment() as desk:
            found = self._chosen(find(desk))
        if self.told:
            yield from found
            return
        for account in sorted({one.account for one in found}):
            with self.ground.desks.locked(account) as desk:
                mine = [one for one in self._chosen(find(desk)) if one.account == account]
                _mend(desk, mine)
            yield from mine

    def _chosen(self, found: Iterable[Discrepancy]) -> list[Discrepancy]:
        return [one for one in found if one.table in self.tables]


def chosen_tables(names: Collection[str]) -> tuple[str, ...]:
    """The tables of these names, all that can be made anew if none is named. Raises InvalidInput."""
    for name in names:
        if name not in MADE:
            hint = Advice("tables.choose", tables=", ".join(MADE))
            raise InvalidInput("table", f"{name!r} is not made from the log", hint=hint)
    return tuple(name for name in MADE if not names or name in names)


def _mend(desk: Desk, found: Iterable[Discrepancy]) -> None:
    for one in found:
        if one.told is None:
            desk.drop(one.table, one.key)
        else:
            desk.put(one.table, one.key, one.told)


def _account_otherwise(desk: Desk, told: AccountRow) -> list[Discrepancy]:
    (stored,) = desk.rows("accounts", ("id",), [(told.id,)]) or (None,)
    wanted: Row | None = _row_of(told) if told.revision else None
    if stored is not None and {name: stored[name] for name in _row_of(told)} == (wanted or _row_of(told)):
        return []
    if stored is None and wanted is None:
        return []
    return [Discrepancy("accounts", told.id, {"id": told.id}, stored, wanted)]


def _row_of(row: AccountRow) -> Row:
    return {
        "revision": row.revision,
        "stream": row.stream,
        "version": row.period_head.version,
        "hash": row.period_head.hash,
        "terms_version": row.account_head.version,
        "terms_hash": row.account_head.hash,
        "last": row.last,
    }
